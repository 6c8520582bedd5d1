/* SPDX-License-Identifier: Apache-2.0 */
/* output.c - standard output, where the reader may leave. See output.h. */
#include <config.h>
#include "output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "json-line.h"
#include "write-all.h"

static int output_write(const char *bytes, size_t count, struct error *err)
{
    if (write_all(STDOUT_FILENO, bytes, count) == 0)
        return 0;
    if (errno == EPIPE)
        return error_set(err, ERROR_NONE, "nobody reads standard output any more");
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
