/* SPDX-License-Identifier: Apache-2.0 */
/* source.h - where to pick mail up, as a command line tells it: loader, connection string, user
 * name, password.
 *
 * The password comes, in this order, from --password-file, the systemd credential "password", or a
 * question on the terminal. The question comes last: what is wrong with the connection string is
 * told before. A loader that needs no user is asked for no password. */
#ifndef MAILCHUTE_HOST_SOURCE_H
#define MAILCHUTE_HOST_SOURCE_H

#include <stdint.h>

#include "error.h"
#include "loader-plugin.h"
#include "log.h"
#include "options.h"
#include "plugin.h"
#include "secret.h"

#define SOURCE_LOADER_DEFAULT "IMAP"
#define SOURCE_CREDENTIAL "password"

struct source {
    /* As given; borrowed. */
    const char *connection, *user, *password_file, *loader, *name;
    /* Ours from source_open() on. */
    struct plugin *plugin;
    struct secret *secret;
    char default_name[40]; /* the loader's, in lower case */
};

#define SOURCE_OPTIONS(type, member)                                                               \
    {"user", 'u', OPTION_TEXT, offsetof(type, member.user), "NAME", "user name at the server"},    \
        {"password-file", 0, OPTION_TEXT, offsetof(type, member.password_file), "FILE",            \
         "file with the password, - is standard input"},                                           \
        {"loader", 0, OPTION_TEXT, offsetof(type, member.loader), "NAME",                          \
         "IMAP (default), another loader, or the path of a .so"}

/** source_open - load the plug-in, read the password. @log then hides the password. */
int source_open(struct source *source, struct log *log, struct error *err);
void source_done(struct source *source); /* forgets the password, unloads the plug-in */

/** source_settings - what the loader is to open. Borrows from the source. */
void source_settings(const struct source *source, uint32_t flags, uint64_t limit,
                     struct loader_settings *out_settings);

/** source_hide - take the password out of an error that a server may have worded. Returns -1. */
int source_hide(const struct source *source, struct error *err);

#endif
