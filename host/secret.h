/* SPDX-License-Identifier: Apache-2.0 */
/* secret.h - a password or token on its way from the user to the loader.
 *
 * Held in pages of its own that are locked, kept out of core dumps and wiped at the end. Reading
 * one makes the process undumpable (PR_SET_DUMPABLE, RLIMIT_CORE 0). One line end at the end is
 * dropped. An empty secret, one with a NUL, one beyond SECRET_MAX is refused. Never part of an
 * error. */
#ifndef MAILCHUTE_HOST_SECRET_H
#define MAILCHUTE_HOST_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "error.h"

#define SECRET_MAX 16384u   /* bytes: tokens of some providers have several thousand */
#define SECRET_HIDE_MIN 4u  /* shorter ones are not looked for in texts: every text has them */

struct secret;

/** secret_from_file - the content of @path, "-" for standard input. *out_wide (may be NULL): others
 * may read that file. *out_secret is yours: secret_free(). ERROR_CONFIG when it cannot be read. */
int secret_from_file(const char *path, struct secret **out_secret, bool *out_wide,
                     struct error *err);

/** secret_from_credentials - the systemd credential @name ($CREDENTIALS_DIRECTORY/NAME).
 * *out_secret is NULL when there is none. */
int secret_from_credentials(const char *name, struct secret **out_secret, struct error *err);

/** secret_from_terminal - ask for it on the controlling terminal, without echo. ERROR_USAGE when
 * there is no terminal: the text tells the other ways. */
int secret_from_terminal(const char *prompt, struct secret **out_secret, struct error *err);

/** secret_from_bytes - a copy of these; @where names where they are from, for errors. */
int secret_from_bytes(const void *bytes, size_t count, const char *where,
                      struct secret **out_secret, struct error *err);

/** secret_from_command - the first line that @command, run by /bin/sh with nothing to read and with
 * no place for its errors, prints within @limit_ms; else it is ended, with all it started.
 * ERROR_CONFIG when it fails, ERROR_CANCELLED when @cancelled (NULL: never) says so meanwhile. */
int secret_from_command(const char *command, uint32_t limit_ms, int (*cancelled)(void *context),
                        void *cancel_context, struct secret **out_secret, struct error *err);

/** secret_guard_process - no core dumps and no debuggers from here on (PR_SET_DUMPABLE,
 * RLIMIT_CORE). */
void secret_guard_process(void);

void secret_free(struct secret *secret); /* wipes it; NULL is fine */
AUTO_DEFINE(secret, secret_free);

const char *secret_text(const struct secret *secret); /* borrowed; NULL for NULL */

/** secret_hide - put "***" wherever the secret stands in @text, in place. */
void secret_hide(const struct secret *secret, char *text);

#endif
