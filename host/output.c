/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - standard output, where the reader may leave. See output.h. */
#include <config.h>
#include "output.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json-line.h"
#include "write-all.h"

#define OUTPUT_LOOK_MS 100

/* Of the process, as standard output is. */
static int (*output_stopped)(void *context);
static void *output_context;

void output_heed(int (*stopped)(void *context), void *context)
{
    output_stopped = stopped;
    output_context = context;
}

/* Wait for the reader of a pipe; -1: stopped meanwhile. */
static int output_wait(void)
{
    struct pollfd reader = {STDOUT_FILENO, POLLOUT, 0};
    while (poll(&reader, 1, OUTPUT_LOOK_MS) == 0)
        if (output_stopped(output_context)) {
            errno = ECANCELED;
            return -1;
        }
    return 0;
}

/* What a pipe says it has room for is one piece of PIPE_BUF bytes. */
static int output_pieces(const char *bytes, size_t count)
{
    while (count > 0) {
        size_t piece = count < PIPE_BUF ? count : PIPE_BUF;
        if (output_wait() < 0 || write_all(STDOUT_FILENO, bytes, piece) < 0)
            return -1;
        bytes += piece;
        count -= piece;
    }
    return 0;
}

static int output_all(const char *bytes, size_t count)
{
    struct stat what;
    if (output_stopped == NULL || fstat(STDOUT_FILENO, &what) < 0 || S_ISREG(what.st_mode))
        return write_all(STDOUT_FILENO, bytes, count);
    return output_pieces(bytes, count);
}

static int output_write(const char *bytes, size_t count, struct error *err)
{
    if (output_all(bytes, count) == 0)
        return 0;
    if (errno == EPIPE)
        return error_set(err, ERROR_NONE, "nobody reads standard output any more");
    if (errno == ECANCELED)
        return error_set(err, ERROR_CANCELLED,
                         "stopped while nobody read standard output; run again");
    return error_set(err, ERROR_STORE,
                     "standard output cannot be written: %s; make room, or "
                     "send it elsewhere",
                     strerror(errno));
}

int output_bytes(const struct buffer *bytes, struct error *err)
{
    return output_write(buffer_text(bytes), bytes->len, err);
}

int output_text(const char *text, struct error *err)
{
    return output_write(text, strlen(text), err);
}

int output_json(const json_t *value, struct error *err)
{
    AUTO_DONE(buffer) line;
    buffer_init(&line, OUTPUT_ENTRY_MAX);
    if (json_line_append(&line, value) < 0 || buffer_append_byte(&line, '\n') < 0)
        return error_oom(err, "writing a line of JSON");
    return output_bytes(&line, err);
}
