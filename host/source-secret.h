/* SPDX-License-Identifier: Apache-2.0 */
/* source-secret.h - where the password of a stored source comes from, each time it is needed.
 *
 *     kind         what is stored with the source      the password is
 *     stored       the password, sealed (vault.h)      that
 *     command      a command line for /bin/sh          the first line it prints, within 30 seconds
 *     file         a file's path                       the file's content
 *     environment  a variable's name                   its value
 *     credential   a systemd credential's name         its content
 *     ask          nothing                             asked for when the daemon starts
 *     none         nothing                             not needed (Folder)
 *
 * All but `stored` keep nothing secret anywhere. */
#ifndef MAILCHUTE_HOST_SOURCE_SECRET_H
#define MAILCHUTE_HOST_SOURCE_SECRET_H

#include "error.h"
#include "queue-source.h"
#include "secret.h"
#include "vault.h"

#define SOURCE_SECRET_COMMAND_MS 30000u

enum source_secret_kind {
    SOURCE_SECRET_STORED,
    SOURCE_SECRET_COMMAND,
    SOURCE_SECRET_FILE,
    SOURCE_SECRET_ENVIRONMENT,
    SOURCE_SECRET_CREDENTIAL,
    SOURCE_SECRET_ASK,
    SOURCE_SECRET_NONE,
    SOURCE_SECRET_KINDS
};

const char *source_secret_name(enum source_secret_kind kind); /* static */
int source_secret_kind(const char *name, enum source_secret_kind *out_kind);

/** source_secret_set - make this the source's: @text is what the table says is stored, @secret (for
 * `stored` alone) is sealed for source->id. */
int source_secret_set(struct queue_source *source, enum source_secret_kind kind, const char *text,
                      const struct vault *vault, const struct secret *secret, struct error *err);

/** source_secret_read - the password now; *out_secret is yours, NULL for `none` and `ask`. Any
 * thread; may take SOURCE_SECRET_COMMAND_MS, unless @cancelled (NULL: never) says so meanwhile:
 * ERROR_CANCELLED. Errors name the source. */
int source_secret_read(const struct queue_source *source, const struct vault *vault,
                       int (*cancelled)(void *context), void *cancel_context,
                       struct secret **out_secret, struct error *err);

#endif
