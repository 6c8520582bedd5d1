/* SPDX-License-Identifier: Apache-2.0 */
/* static-file.h - files that are part of the program, for whoever asks: the page, and the document
 * of the REST interface. Nothing in them is secret. They have an ETag, so that a browser asks and
 * is told that it has them already. */
#ifndef MAILCHUTE_HOST_WEB_STATIC_FILE_H
#define MAILCHUTE_HOST_WEB_STATIC_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "http-server.h"

struct static_file {
    const char *path; /* "/", "/page/main.js" */
    const char *type;
    const char *text; /* a NUL stands behind it */
    size_t size;
};

/* Made by embed.sh; the last has path NULL. */
extern const struct static_file static_files[];

/** static_file_find - NULL: no file has this path. */
const struct static_file *static_file_find(const char *path);

/** static_file_answer - false when no file has this path, or it is not to be read. */
bool static_file_answer(const struct http_request *request, struct http_answer *answer);

#endif
