/* SPDX-License-Identifier: Apache-2.0 */
/* notify.c - tell the service manager how the daemon is. See notify.h. */
#include <config.h>
#include "notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "text.h"

#define NOTIFY_MAX 512u

int notify_connect(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t size = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || size >= sizeof to.sun_path)
        return -1;
    memcpy(to.sun_path, path, size);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract one */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (connect(fd, (const struct sockaddr *)&to,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) == 0)
        return fd;
    close(fd);
    return -1;
}

void notify_open(struct notify *notify)
{
    const char *path = secure_getenv("NOTIFY_SOCKET"), *wanted = secure_getenv("WATCHDOG_USEC"),
               *whom = secure_getenv("WATCHDOG_PID");
    uint64_t usec = 0, pid = 0;
    *notify = (struct notify){.fd = path == NULL ? -1 : notify_connect(path)};
    if (wanted == NULL || text_to_u64(wanted, UINT64_MAX / 2, &usec) < 0)
        return;
    if (whom != NULL && (text_to_u64(whom, INT32_MAX, &pid) < 0 || (pid_t)pid != getpid()))
        return;
    notify->watchdog_ms = usec / 2000; /* twice as often as it has to be */
}

void notify_close(struct notify *notify)
{
    if (notify->fd >= 0)
        close(notify->fd);
    notify->fd = -1;
}

void notify_send(const struct notify *notify, const char *fmt, ...)
{
    char text[NOTIFY_MAX];
    va_list args;
    if (notify->fd < 0)
        return;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n > 0 && n < (int)sizeof text)
        (void)send(notify->fd, text, (size_t)n, MSG_NOSIGNAL);
}

void notify_reloading(const struct notify *notify)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    notify_send(notify, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}
