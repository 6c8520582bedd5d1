/* SPDX-License-Identifier: Apache-2.0 */
/* oom-shim.c - preloaded into a program: its n-th allocation fails, or the first of one call path.
 *
 * Those of the command, of its plug-ins and of the libraries that they call count (shim_counted);
 * not those of what these libraries bring along - the dynamic loader, TLS and directory services,
 * whose constructors may end the process as they like.
 *
 *   OOM_AT=n        the n-th fails
 *   OOM_PATH=PATH   the first that comes by this path fails, of those from OOM_FROM on
 *   OOM_ON=1        and all behind it
 *   OOM_TRACE=FILE  gets the library whose allocation failed when that has happened
 *   OOM_COUNT=FILE  gets the number of allocations that were counted, when the program exits
 *   OOM_PATHS=FILE  none fails; the path of each, once: "NUMBER-OF-ITS-FIRST PATH"
 *
 * A test may set this anew within the process instead: oom-shim.h.
 *
 * A call path is a digest of the return addresses up to the start of the thread, each relative to
 * its object: the same in every run of one build, whatever was allocated before. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include "oom-shim.h"

#define EXPORT __attribute__((visibility("default")))
#define SHIM_FRAMES 64    /* looked at, from the allocation outwards */
#define SHIM_PATHS 65536u /* that can be told from each other */
#define SHIM_CALLERS 1021u

static atomic_long shim_count;
static long shim_at;       /* 0: not yet, or never */
static uint64_t shim_path; /* the same */
static long shim_from;
static atomic_bool shim_failed;
static bool shim_goes_on;
static const char *shim_trace, *shim_counting; /* files */
static _Thread_local bool shim_spared;
static int shim_list = -1; /* file of OOM_PATHS */
static _Atomic uint64_t shim_met[SHIM_PATHS];

static const char *const shim_counted[] = {
    "mailchute",  "imap.so",    "folder.so", "libc.so", "libcurl",
    "libsqlite3", "libjansson", "libpcre2",  "libuuid", "pickup-memory-test"};

/* The same of a caller that was looked up before: most come again, and dladdr() takes its time. */
static _Thread_local struct shim_known {
    const void *code;
    const char *name;
} shim_known[SHIM_CALLERS];

/* Name of the file that holds @code; "" where it does not count. */
static const char *shim_look_up(const void *code)
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

static const char *shim_origin(const void *code)
{
    struct shim_known *known = &shim_known[(uintptr_t)code % SHIM_CALLERS];
    if (known->code != code)
        *known = (struct shim_known){.code = code, .name = shim_look_up(code)};
    return known->name;
}

/* Without the calls of the C library that others watch, and without memory. */
static void shim_tell(const char *path, const char *text)
{
    long fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    (void)syscall(SYS_write, fd, text, strlen(text));
    (void)syscall(SYS_close, fd);
}

/* FNV-1a over whole numbers. */
static uint64_t shim_mix(uint64_t digest, uint64_t number)
{
    return (digest ^ number) * UINT64_C(1099511628211);
}

/* @code relative to its object, and which that is. 0: in none. */
static uint64_t shim_place(uintptr_t code)
{
    struct dl_find_object object;
    if (_dl_find_object((void *)code, &object) != 0)
        return 0;
    uintptr_t start = (uintptr_t)object.dlfo_map_start;
    return shim_mix((uintptr_t)object.dlfo_map_end - start, code - start);
}

struct shim_walk {
    uint64_t digest;
    unsigned int frames;
};

static _Unwind_Reason_Code shim_frame(struct _Unwind_Context *context, void *to)
{
    struct shim_walk *walk = to;
    uint64_t place = shim_place(_Unwind_GetIP(context));
    if (walk->frames++ == SHIM_FRAMES || place == 0)
        return _URC_END_OF_STACK;
    walk->digest = shim_mix(walk->digest, place);
    return _URC_NO_REASON;
}

/* Never 0. */
static uint64_t shim_path_here(void)
{
    struct shim_walk walk = {.digest = UINT64_C(14695981039346656037)};
    (void)_Unwind_Backtrace(shim_frame, &walk);
    return walk.digest | 1;
}

/* Whether @path is met for the first time. Beyond SHIM_PATHS none is. */
static bool shim_is_new(uint64_t path)
{
    for (uint64_t tried = 0; tried < SHIM_PATHS; tried++) {
        uint64_t old = 0;
        if (atomic_compare_exchange_strong(&shim_met[(path / 2 + tried) % SHIM_PATHS], &old, path))
            return true;
        if (old == path)
            return false;
    }
    return false;
}

static void shim_note(long now, uint64_t path)
{
    char line[64];
    int size = snprintf(line, sizeof line, "%ld %016" PRIx64 "\n", now, path);
    (void)syscall(SYS_write, shim_list, line, (size_t)size);
}

/* Whether this is the one that was asked for: by its number, or by its path. Paths are followed
 * from this one place, which is part of them. */
static bool shim_is_asked(long now)
{
    if (shim_at != 0 || now < shim_from)
        return shim_at != 0 && now == shim_at;
    uint64_t path = shim_path_here();
    if (shim_list >= 0 && shim_is_new(path))
        shim_note(now, path);
    return path == shim_path;
}

static bool shim_fails(const void *caller)
{
    if ((shim_at == 0 && shim_path == 0 && shim_list < 0) || shim_spared)
        return false;
    const char *origin = shim_origin(caller);
    if (origin[0] == '\0')
        return false;
    long now = atomic_fetch_add(&shim_count, 1) + 1;
    bool asked =
        !atomic_load(&shim_failed) && shim_is_asked(now) && !atomic_exchange(&shim_failed, true);
    if (asked && shim_trace != NULL)
        shim_tell(shim_trace, origin);
    if (!asked && !(shim_goes_on && atomic_load(&shim_failed)))
        return false;
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

/* A sanitizer's thread starts with this, and does not live without it. */
EXPORT int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes);
int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    static int (*real)(pthread_t thread, pthread_attr_t * attributes);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "pthread_getattr_np");
    shim_spared = true;
    int bad = real(thread, attributes);
    shim_spared = false;
    return bad;
}

EXPORT void oom_shim_arm(long at, bool goes_on)
{
    shim_goes_on = goes_on;
    atomic_store(&shim_count, 0);
    atomic_store(&shim_failed, false);
    shim_at = at;
}

EXPORT void oom_shim_list(int fd)
{
    for (size_t i = 0; i < SHIM_PATHS; i++)
        atomic_store(&shim_met[i], 0);
    oom_shim_arm(0, false);
    shim_from = 0;
    shim_list = fd;
}

EXPORT long oom_shim_disarm(bool *out_failed)
{
    shim_at = 0;
    shim_list = -1;
    *out_failed = atomic_load(&shim_failed);
    return atomic_load(&shim_count);
}

__attribute__((constructor)) static void shim_start(void)
{
    const char *at = getenv("OOM_AT");
    const char *path = getenv("OOM_PATH");
    const char *from = getenv("OOM_FROM");
    const char *list = getenv("OOM_PATHS");
    shim_goes_on = getenv("OOM_ON") != NULL;
    shim_trace = getenv("OOM_TRACE");
    shim_counting = getenv("OOM_COUNT");
    if (list != NULL)
        shim_list = open(list, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    shim_path = path == NULL ? 0 : strtoull(path, NULL, 16);
    shim_from = from == NULL ? 0 : strtol(from, NULL, 10);
    shim_at = at == NULL ? 0 : strtol(at, NULL, 10);
}

__attribute__((destructor)) static void shim_end(void)
{
    char count[32];
    if (shim_counting == NULL)
        return;
    (void)snprintf(count, sizeof count, "%ld", atomic_load(&shim_count));
    shim_tell(shim_counting, count);
}
