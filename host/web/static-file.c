/* SPDX-License-Identifier: Apache-2.0 */
/* static-file.c - files that are part of the program. See static-file.h. */
#include <config.h>
#include "static-file.h"

#include <stdio.h>

#include "http-check.h"
#include "pass.h"
#include "text.h"

/* What the page may do: run and show its own files, ask its own server. No text ever becomes markup
 * or code (Trusted Types without a policy); frames show what the server says is fit for them. */
static const char static_policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

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
    answer->policy = static_policy;
    if (http_check_etag(http_request_header(request, "If-None-Match"), etag)) {
        answer->code = 304;
        return;
    }
    answer->fixed = file->text;
    answer->fixed_size = file->size;
}

const struct static_file *static_file_find(const char *path)
{
    for (const struct static_file *file = static_files; file->path != NULL; file++)
        if (text_equal(path, file->path))
            return file;
    return NULL;
}

bool static_file_answer(const struct http_request *request, struct http_answer *answer)
{
    const struct static_file *file = static_file_find(request->path);
    if (file == NULL || (request->method != HTTP_GET && request->method != HTTP_HEAD))
        return false;
    static_file_send(file, request, answer);
    return true;
}
