/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.h - find loaders, load them, and take over their tables.
 *
 * A loader is given by the path of its .so (anything with a '/'), or by its name, "IMAP", which
 * means imap.so in the first of these folders that has it:
 *
 *     $MAILCHUTE_PLUGIN_DIR       not in a set-user-ID program
 *     ../loader/.libs             beside a host that runs from its build tree (the folder of the
 *                                 program is called host, and ../config.status is there)
 *     PLUGINDIR                   where make install puts them
 *
 * A loader runs with all rights of the host, so a file is refused that somebody else could have put
 * there: it and its folder must belong to root, to the user, or to the owner of the host program,
 * and may not be writable for everybody. */
#ifndef MAILCHUTE_HOST_PLUGIN_H
#define MAILCHUTE_HOST_PLUGIN_H

#include <stddef.h>

#include "cleanup.h"
#include "error.h"
#include "loader-plugin.h"

struct plugin {
    struct loader_plugin table; /* ours: what the loader lacks is zero */
    char *path;
    void *library;
};

/** plugin_open - load the loader @name_or_path. *out_plugin is yours: plugin_close(). ERROR_USAGE
 * for an unknown name, ERROR_CONFIG for a file that cannot or may not be used. */
int plugin_open(const char *name_or_path, struct plugin **out_plugin, struct error *err);
void plugin_close(struct plugin *plugin);
AUTO_DEFINE(plugin, plugin_close);

/** plugin_adopt - copy the table of another build of this contract: shorter ones are filled up with
 * zero, of longer ones the known start is taken. ERROR_CONFIG when it cannot be used. */
int plugin_adopt(const struct loader_plugin *theirs, struct loader_plugin *out_table,
                 struct error *err);

/** plugin_each - load every loader that can be found, in order of search and name, the first of
 * each file name, and hand it to @each, which borrows it: @plugin, or NULL and @err for a file that
 * is no loader. Not 0 stops and is returned. */
int plugin_each(int (*each)(void *context, const char *path, const struct plugin *plugin,
                            const struct error *err),
                void *context);

#endif
