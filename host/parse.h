/* SPDX-License-Identifier: Apache-2.0 */
/* parse.h - read one message from a file by a loader's parse(), without server and queue. */
#ifndef MAILCHUTE_HOST_PARSE_H
#define MAILCHUTE_HOST_PARSE_H

#include "error.h"
#include "loader-plugin.h"
#include "log.h"
#include "plugin.h"

#define PARSE_LOADER "Folder" /* any loader that can parse would do; this one is always there */

struct parse {
    const struct plugin *plugin; /* borrowed */
    struct loader_host host;
    void *handle;
    const struct loader_item *item; /* the message; lives until parse_done() */
};

/** parse_message - read the message in @fd (a file: offset 0 to its end; anything else: to its
 * end).
 * @connection: options such as "attachHtml=True", NULL: none. @sink gets the attachments, NULL:
 * nobody. Call parse_done() also after a failure. */
int parse_message(struct parse *parse, const struct plugin *plugin, struct log *log, int fd,
                  const char *connection, const struct loader_sink *sink, struct error *err);
void parse_done(struct parse *parse);

#endif
