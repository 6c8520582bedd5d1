/* SPDX-License-Identifier: Apache-2.0 */
/* unpacked.c - lets the programs of an unpacked package find each other (LD_PRELOAD).
 *
 * Dovecot has /usr/lib/dovecot and /usr/bin/doveconf compiled in. ./quickstart does not install it,
 * because that would start a mail server for the whole system; it unpacks the packages below the
 * build folder and runs them there. This file sends the three calls that use those built-in paths
 * below $UNPACKED_ROOT, where such a file is there. It is not part of mailchute and never
 * installed. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* @path below the root when something is there, else @path as it is. */
static const char *below_root(const char *path, char out_path[PATH_MAX])
{
    const char *root = getenv("UNPACKED_ROOT");
    if (root == NULL || path == NULL || strncmp(path, "/usr/", 5) != 0)
        return path;
    int n = snprintf(out_path, PATH_MAX, "%s%s", root, path);
    return n > 0 && n < PATH_MAX && access(out_path, F_OK) == 0 ? out_path : path;
}

int execv(const char *path, char *const argv[])
{
    char moved[PATH_MAX];
    return execve(below_root(path, moved), argv, environ);
}

DIR *opendir(const char *path)
{
    char moved[PATH_MAX];
    DIR *(*real)(const char *) = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
    return real(below_root(path, moved));
}

void *dlopen(const char *path, int flags)
{
    char moved[PATH_MAX];
    void *(*real)(const char *, int) = (void *(*)(const char *, int))dlsym(RTLD_NEXT, "dlopen");
    return real(below_root(path, moved), flags);
}
