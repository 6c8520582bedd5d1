/* SPDX-License-Identifier: Apache-2.0 */
/* oom-shim.c - preloaded into a program: its n-th allocation fails.
 *
 * Those of the command, of its plug-ins and of the libraries that they call count (shim_counted);
 * not those of what these libraries bring along - the dynamic loader, TLS and directory services,
 * whose constructors may end the process as they like. OOM_AT=n: that one fails. OOM_ON=1: and all
 * behind it. OOM_TRACE names a file that gets the library whose allocation failed when that has
 * happened: without it, n is beyond the last. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static atomic_long shim_count;
static long shim_at;     /* 0: not yet, or never */
static bool shim_goes_on;
static const char *shim_trace;

static const char *const shim_counted[] = {"mailchute",  "imap.so",  "folder.so",
                                           "libc.so",    "libcurl",  "libsqlite3",
                                           "libjansson", "libpcre2", "libuuid"};

/* Name of the file that holds @code; "" where it does not count. */
static const char *shim_origin(const void *code)
{
    Dl_info info;
    if (dladdr(code, &info) == 0 || info.dli_fname == NULL)
        return "";
    const char *slash = strrchr(info.dli_fname, '/');
    const char *name = slash == NULL ? info.dli_fname : slash + 1;
    for (size_t i = 0; i < sizeof shim_counted / sizeof shim_counted[0]; i++)
        if (strstr(name, shim_counted[i]) != NULL)
            return name;
    return "";
}

/* Without the calls of the C library that others watch, and without memory. */
static void shim_tell(const char *name)
{
    long fd =
        syscall(SYS_openat, AT_FDCWD, shim_trace, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    (void)syscall(SYS_write, fd, name, strlen(name));
    (void)syscall(SYS_close, fd);
}

static bool shim_fails(const void *caller)
{
    if (shim_at == 0)
        return false;
    const char *origin = shim_origin(caller);
    long now = origin[0] == '\0' ? 0 : atomic_fetch_add(&shim_count, 1) + 1;
    if (now == 0 || (now != shim_at && !(shim_goes_on && now > shim_at)))
        return false;
    if (now == shim_at && shim_trace != NULL)
        shim_tell(origin);
    errno = ENOMEM;
    return true;
}

#define SHIM(type, name, parameters, arguments)                                                    \
    EXPORT type name parameters;                                                                   \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*real) parameters;                                                             \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return shim_fails(__builtin_return_address(0)) ? NULL : real arguments;                    \
    }

SHIM(void *, malloc, (size_t size), (size))
SHIM(void *, calloc, (size_t count, size_t size), (count, size))
SHIM(void *, realloc, (void *old, size_t size), (old, size))
SHIM(void *, reallocarray, (void *old, size_t count, size_t size), (old, count, size))
SHIM(void *, aligned_alloc, (size_t border, size_t size), (border, size))
SHIM(void *, memalign, (size_t border, size_t size), (border, size))

/* These have copies of their own in a sanitizer. */
SHIM(char *, strdup, (const char *text), (text))
SHIM(char *, __strdup, (const char *text), (text))
SHIM(char *, strndup, (const char *text, size_t size), (text, size))

__attribute__((constructor)) static void shim_start(void)
{
    const char *at = getenv("OOM_AT");
    shim_goes_on = getenv("OOM_ON") != NULL;
    shim_trace = getenv("OOM_TRACE");
    shim_at = at == NULL ? 0 : strtol(at, NULL, 10);
}
