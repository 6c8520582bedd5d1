/* SPDX-License-Identifier: Apache-2.0 */
/* source-form.h - a source as web clients write and read it: fields of a form, which are keys of
 * the connection string, and what users of the web may not set.
 *
 *     providerConfig.host, port, secure, allowInsecureCert    url, port, ssl, allowInsecureCert
 *     providerConfig.username, password                       user, its password
 *     name, queue, interval, connection, user, password       as the command has them
 *
 * Whoever writes here is no administrator of this machine. Refused therefore: loaders that do not
 * keep to LOADER_GUARDED; passwords that are commands, files or variables; caFile, proxy and
 * deliver; and, unless private hosts are allowed, a url that is more than a host, and ports that
 * are not listed. Where a server is changed, or anything on the way to it, the password is to be
 * given anew: else the old one would be sent to whatever server is named. */
#ifndef MAILCHUTE_HOST_WEB_SOURCE_FORM_H
#define MAILCHUTE_HOST_WEB_SOURCE_FORM_H

#include <jansson.h>

#include "api.h"

/** source_form_json - as it is shown: the fields of others' clients, then ours. NULL: out of
 * memory. */
json_t *source_form_json(const struct queue_source *source);

/** source_form_read - over @source, what @body says. *out_password: "" where none is given;
 * borrowed from @body. -1: failed, the call is answered. */
int source_form_read(struct api_call *call, const json_t *body, struct queue_source *source,
                     const char **out_password);

/** source_form_same_server - a password for @before may be sent to @after: to the same user of the
 * same server by the same way, proxy, encryption and trusted certificates included. */
bool source_form_same_server(const struct queue_source *before, const struct queue_source *after);

#endif
