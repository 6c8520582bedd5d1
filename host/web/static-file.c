/* SPDX-License-Identifier: Apache-2.0 */
/* static-file.c - files that are part of the program. See static-file.h. */
#include <config.h>
#include "static-file.h"

#include <stdio.h>

#include "http-check.h"
#include "pass.h"
#include "route.h"
#include "text.h"

static const struct static_file {
    const char *path, *type, *text;
    const size_t *size;
} static_files[] = {
    {ROUTE_START "openapi.json", "application/json", static_openapi, &static_openapi_size},
};

static void static_file_send(const struct static_file *file, const struct http_request *request,
                             struct http_answer *answer)
{
    char digest[PASS_TOKEN_SIZE], etag[PASS_TOKEN_SIZE + 2];
    uint8_t bytes[PASS_DIGEST_SIZE];
    pass_digest(file->text, "etag", bytes);
    pass_text(bytes, digest);
    (void)snprintf(etag, sizeof etag, "\"%s\"", digest);
    (void)http_answer_header(answer, "ETag", etag);
    answer->cached = true;
    answer->type = file->type;
    if (http_check_etag(http_request_header(request, "If-None-Match"), etag)) {
        answer->code = 304;
        return;
    }
    answer->fixed = file->text;
    answer->fixed_size = *file->size;
}

bool static_file_answer(const struct http_request *request, struct http_answer *answer)
{
    if (request->method != HTTP_GET && request->method != HTTP_HEAD)
        return false;
    for (size_t i = 0; i < sizeof static_files / sizeof static_files[0]; i++) {
        if (!text_equal(request->path, static_files[i].path))
            continue;
        static_file_send(&static_files[i], request, answer);
        return true;
    }
    return false;
}
