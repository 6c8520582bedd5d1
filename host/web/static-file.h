/* SPDX-License-Identifier: Apache-2.0 */
/* static-file.h - files that are part of the program, for whoever asks: nothing secret. They have an
 * ETag, so that a browser asks and is told that it has them already. */
#ifndef MAILCHUTE_HOST_WEB_STATIC_FILE_H
#define MAILCHUTE_HOST_WEB_STATIC_FILE_H

#include <stddef.h>

#include "http-server.h"

/** static_file_answer - false when no file has this path, or it is not to be read. */
bool static_file_answer(const struct http_request *request, struct http_answer *answer);

/* Made of docs/openapi.json by make; a NUL stands behind it. */
extern const char static_openapi[];
extern const size_t static_openapi_size;

#endif
