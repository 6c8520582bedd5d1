/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.c - find loaders, load them, take over their tables. See plugin.h. */
#include <config.h>
#include "plugin.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include "suggest.h"
#include "text.h"

#define PLUGIN_FOLDERS 3u
#define PLUGIN_NAME_MAX 32u   /* of loader_plugin.name */
#define PLUGIN_LIST_MAX 1000u /* files of one folder that are listed */

struct plugin_folders {
    char path[PLUGIN_FOLDERS][PATH_MAX];
    size_t count;
};

/* The program's own path; false in a set-user-ID program, where its surroundings prove nothing. */
static bool plugin_host_path(char out_path[PATH_MAX])
{
    if (getauxval(AT_SECURE) != 0)
        return false;
    ssize_t n = readlink("/proc/self/exe", out_path, PATH_MAX - 1);
    if (n <= 0 || n >= PATH_MAX - 1)
        return false;
    out_path[n] = '\0';
    return true;
}

/* Cut the last component off. Returns it, or NULL at the root. */
static const char *plugin_cut_component(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return NULL;
    *slash = '\0';
    return slash + 1;
}

/* BUILD/host/mailchute, or BUILD/host/.libs/mailchute behind libtool's wrapper: BUILD/loader/.libs;
 * test programs stand in BUILD/tests. */
static bool plugin_build_folder(char out_folder[PATH_MAX])
{
    char build[PATH_MAX], probe[PATH_MAX];
    if (!plugin_host_path(build) || plugin_cut_component(build) == NULL)
        return false;
    const char *folder = plugin_cut_component(build);
    if (folder != NULL && strcmp(folder, ".libs") == 0)
        folder = plugin_cut_component(build);
    if (folder == NULL || (strcmp(folder, "host") != 0 && strcmp(folder, "tests") != 0))
        return false;
    int n = snprintf(probe, sizeof probe, "%s/config.status", build);
    if (n < 0 || (size_t)n >= sizeof probe || access(probe, F_OK) != 0)
        return false;
    n = snprintf(out_folder, PATH_MAX, "%s/loader/.libs", build);
    return n > 0 && n < PATH_MAX;
}

static void plugin_folders_find(struct plugin_folders *folders)
{
    folders->count = 0;
    const char *set = secure_getenv("MAILCHUTE_PLUGIN_DIR");
    if (set != NULL && set[0] != '\0' && strlen(set) < PATH_MAX)
        text_copy(folders->path[folders->count++], PATH_MAX, set);
    if (plugin_build_folder(folders->path[folders->count]))
        folders->count++;
    text_copy(folders->path[folders->count++], PATH_MAX, PLUGINDIR);
}

/* Who may have put this there? */
static int plugin_check_owner(const char *path, struct error *err)
{
    struct stat status, host;
    char host_path[PATH_MAX];
    if (stat(path, &status) < 0)
        return error_set(err, ERROR_CONFIG, "loader '%s' cannot be read: %s; check its name and "
                         "rights", path, strerror(errno));
    bool sticky =
        S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0; /* /tmp: others may
                                                       add files there, not replace ours */
    if ((status.st_mode & S_IWOTH) != 0 && !sticky)
        return error_set(err, ERROR_CONFIG, "loader refused: everybody may write to '%s'; run "
                         "chmod o-w on it", path);
    if (status.st_uid == 0 || status.st_uid == geteuid())
        return 0;
    if (plugin_host_path(host_path) && stat(host_path, &host) == 0 && host.st_uid == status.st_uid)
        return 0;
    return error_set(err, ERROR_CONFIG,
                     "loader refused: '%s' belongs to another user; install it as "
                     "root, or run as its owner",
                     path);
}

static int plugin_check_file(const char *path, struct error *err)
{
    char folder[PATH_MAX];
    text_copy(folder, sizeof folder, path);
    if (plugin_cut_component(folder) == NULL)
        text_copy(folder, sizeof folder, "/");
    return plugin_check_owner(path, err) < 0 || plugin_check_owner(folder, err) < 0 ? -1 : 0;
}

static bool plugin_name_is_good(const char *name)
{
    size_t n = 0;
    for (; n <= PLUGIN_NAME_MAX && name[n] != '\0'; n++) {
        char c = text_lower(name[n]);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return n > 0 && n <= PLUGIN_NAME_MAX;
}

int plugin_adopt(const struct loader_plugin *theirs, struct loader_plugin *out_table,
                 struct error *err)
{
    if (theirs == NULL)
        return error_set(err, ERROR_CONFIG, "the loader hands out no table; rebuild it");
    size_t have = theirs->struct_size;
    if (theirs->api_version != LOADER_API_VERSION || have < offsetof(struct loader_plugin, wait))
        return error_set(err, ERROR_CONFIG, "the loader speaks version %u of the contract (%zu "
                         "bytes), this host version %u; rebuild it", theirs->api_version, have,
                         LOADER_API_VERSION);
    struct loader_plugin table = {0};
    memcpy(&table, theirs, have < sizeof table ? have : sizeof table);
    table.struct_size = sizeof table;
    if (table.name == NULL || !plugin_name_is_good(table.name) || table.open == NULL ||
        table.next == NULL || table.settle == NULL || table.close == NULL ||
        (table.options == NULL && table.option_count > 0))
        return error_set(err, ERROR_CONFIG,
                         "the loader's table lacks its name or one of open, next, "
                         "settle and close; ask its maker");
    *out_table = table;
    return 0;
}

/* A loader is never unmapped: threads of its libraries (a resolver that waits) may outlive
 * close(). */
static int plugin_load(const char *path, struct plugin **out_plugin, struct error *err)
{
    AUTO(plugin) plugin = calloc(1, sizeof *plugin);
    bool found = plugin != NULL && (plugin->path = realpath(path, NULL)) != NULL;
    if (!found && errno == ENOMEM)
        return error_oom(err, "loading a loader");
    if (!found)
        return error_set(err, ERROR_CONFIG,
                         "loader '%s' cannot be read: %s; check its name and "
                         "rights",
                         path, strerror(errno));
    if (plugin_check_file(plugin->path, err) < 0)
        return -1;
    plugin->library = dlopen(plugin->path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (plugin->library == NULL)
        return error_set(err, ERROR_CONFIG, "loader '%s' cannot be loaded: %s; rebuild it, or "
                         "install what it needs", plugin->path, dlerror());
    loader_plugin_function *function;
    *(void **)&function = dlsym(plugin->library, LOADER_PLUGIN_SYMBOL);
    if (function == NULL)
        return error_set(err, ERROR_CONFIG, "'%s' is no loader: it has no %s(); give another file",
                         plugin->path, LOADER_PLUGIN_SYMBOL);
    if (plugin_adopt(function(), &plugin->table, err) < 0) {
        error_prefix(err, "'%s'", plugin->path);
        return -1;
    }
    *out_plugin = TAKE(plugin);
    return 0;
}

void plugin_close(struct plugin *plugin)
{
    if (plugin == NULL)
        return;
    if (plugin->library != NULL)
        dlclose(plugin->library);
    free(plugin->path);
    free(plugin);
}

static int plugin_suggest(void *context, const char *path, const struct plugin *plugin,
                          const struct error *err)
{
    (void)path;
    (void)err;
    if (plugin != NULL)
        suggest_offer(context, plugin->table.name);
    return 0;
}

static int plugin_unknown(const char *name, struct error *err)
{
    char shown[64];
    text_printable(shown, sizeof shown, name, strlen(name));
    struct suggest suggest;
    suggest_start(&suggest, name);
    plugin_each(plugin_suggest, &suggest); /* names are static in loaders, which stay mapped */
    const char *near = suggest_best(&suggest);
    if (near != NULL)
        return error_set(err, ERROR_USAGE, "there is no loader '%s'; did you mean '%s'?", shown,
                         near);
    return error_set(err, ERROR_USAGE,
                     "there is no loader '%s'; mailchute loaders lists those that "
                     "are there, and --loader takes the path of a .so",
                     shown);
}

int plugin_open(const char *name_or_path, struct plugin **out_plugin, struct error *err)
{
    if (strchr(name_or_path, '/') != NULL)
        return plugin_load(name_or_path, out_plugin, err);
    if (!plugin_name_is_good(name_or_path))
        return plugin_unknown(name_or_path, err);
    struct plugin_folders folders;
    plugin_folders_find(&folders);
    for (size_t i = 0; i < folders.count; i++) {
        char file[PATH_MAX + PLUGIN_NAME_MAX + 8], name[PLUGIN_NAME_MAX + 1];
        size_t n = 0;
        for (; name_or_path[n] != '\0'; n++)
            name[n] = text_lower(name_or_path[n]);
        name[n] = '\0';
        (void)snprintf(file, sizeof file, "%s/%s.so", folders.path[i], name);
        if (access(file, F_OK) == 0)
            return plugin_load(file, out_plugin, err);
    }
    return plugin_unknown(name_or_path, err);
}

static int plugin_is_library(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return length > 3 && strcmp(entry->d_name + length - 3, ".so") == 0;
}

/* An earlier folder has a file of this name: that one is meant by it. */
static bool plugin_is_hidden(const struct plugin_folders *folders, size_t at, const char *name)
{
    for (size_t i = 0; i < at; i++) {
        char file[PATH_MAX + 256 + 2];
        (void)snprintf(file, sizeof file, "%s/%s", folders->path[i], name);
        if (access(file, F_OK) == 0)
            return true;
    }
    return false;
}

static int plugin_each_file(const char *path,
                            int (*each)(void *, const char *, const struct plugin *,
                                        const struct error *),
                            void *context)
{
    AUTO(plugin) plugin = NULL;
    struct error err = {0};
    if (plugin_load(path, &plugin, &err) < 0)
        return each(context, path, NULL, &err);
    return each(context, path, plugin, NULL);
}

int plugin_each(int (*each)(void *context, const char *path, const struct plugin *plugin,
                            const struct error *err),
                void *context)
{
    struct plugin_folders folders;
    plugin_folders_find(&folders);
    int stopped = 0;
    for (size_t i = 0; i < folders.count && stopped == 0; i++) {
        struct dirent **names = NULL;
        int count = scandir(folders.path[i], &names, plugin_is_library, alphasort);
        for (int k = 0; k < count; k++) {
            char file[PATH_MAX + 256 + 2];
            (void)snprintf(file, sizeof file, "%s/%s", folders.path[i], names[k]->d_name);
            if (stopped == 0 && (unsigned)k < PLUGIN_LIST_MAX &&
                !plugin_is_hidden(&folders, i, names[k]->d_name))
                stopped = plugin_each_file(file, each, context);
            free(names[k]);
        }
        free(names);
    }
    return stopped;
}
