/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - read one message from a file. See parse.h. */
#include <config.h>
#include "parse.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader-error.h"
#include "loader-mail.h"
#include "nameless.h"
#include "queue.h"
#include "write-all.h"

#define PARSE_COPY_SIZE 65536u

static int parse_temporary(struct error *err)
{
    int fd = nameless_open(nameless_folder(NULL), 0);
    if (fd < 0)
        return error_set(err, ERROR_CREATE, "a temporary file cannot be made: %s; set TMPDIR to a "
                         "folder with room", strerror(errno));
    return fd;
}

/* A pipe or device into a file that can be read from its start. */
static int parse_copy(int from, int to, struct error *err)
{
    uint8_t bytes[PARSE_COPY_SIZE];
    for (uint64_t size = 0; size <= QUEUE_RAW_MAX;) {
        ssize_t n = read(from, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERROR_MAIL, "the message cannot be read: %s; check the file",
                             strerror(errno));
        if (n == 0)
            return 0;
        if (write_all(to, bytes, (size_t)n) < 0)
            return error_set(err, ERROR_STORE,
                             "a temporary file cannot be written: %s; set TMPDIR to "
                             "a folder with room",
                             strerror(errno));
        size += (uint64_t)n;
    }
    return error_set(err, ERROR_MAIL, "the message is larger than %u bytes; is that mail?",
                     QUEUE_RAW_MAX);
}

static int parse_file(struct parse *parse, int fd, const char *connection,
                      const struct loader_sink *sink, struct error *err)
{
    const struct loader_plugin *table = &parse->plugin->table;
    const struct loader_settings settings = {.struct_size = sizeof settings,
                                             .connection = connection};
    struct loader_error theirs;
    loader_error_clear(&theirs);
    if (table->parse(&parse->host, connection == NULL ? NULL : &settings, fd, sink, &parse->handle,
                     &parse->item, &theirs) != 0)
        return loader_error_read(&theirs, table->name, err);
    if (parse->item == NULL || parse->item->struct_size < sizeof *parse->item ||
        !loader_mail_is_good(parse->item->mail))
        return error_set(err, ERROR_BUG, "loader '%s' breaks the contract in parse; ask its maker",
                         table->name);
    return 0;
}

int parse_message(struct parse *parse, const struct plugin *plugin, struct log *log, int fd,
                  const char *connection, const struct loader_sink *sink, struct error *err)
{
    *parse = (struct parse){.plugin = plugin};
    parse->host = (struct loader_host){.struct_size = sizeof parse->host,
                                       .api_version = LOADER_API_VERSION,
                                       .context = log,
                                       .log = log_event};
    struct stat status;
    if (plugin->table.parse == NULL)
        return error_set(err, ERROR_USAGE, "loader '%s' cannot read files; use --loader %s",
                         plugin->table.name, PARSE_LOADER);
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode))
        return parse_file(parse, fd, connection, sink, err);
    AUTO_FD copy = parse_temporary(err);
    if (copy < 0 || parse_copy(fd, copy, err) < 0)
        return -1;
    return parse_file(parse, copy, connection, sink, err);
}

void parse_done(struct parse *parse)
{
    if (parse->handle != NULL)
        parse->plugin->table.close(parse->handle);
    parse->handle = NULL;
    parse->item = NULL;
}
