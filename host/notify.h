/* SPDX-License-Identifier: Apache-2.0 */
/* notify.h - tell the service manager how the daemon is: the datagrams of sd_notify(3), for which
 * no library is needed. Without $NOTIFY_SOCKET nothing is told. */
#ifndef MAILCHUTE_HOST_NOTIFY_H
#define MAILCHUTE_HOST_NOTIFY_H

#include <stdint.h>

#include "error.h"

struct notify {
    int fd;               /* -1: nobody wants to know */
    uint64_t watchdog_ms; /* how often "WATCHDOG=1" has to come; 0: it is not watched for */
};

/** notify_open - look at the environment. Never fails: who cannot be told is not told. */
void notify_open(struct notify *notify);
void notify_close(struct notify *notify);

/** notify_send - lines such as "READY=1\nSTATUS=...". */
void notify_send(const struct notify *notify, const char *fmt, ...) PRINTF_LIKE(2, 3);

/** notify_connect - a socket for datagrams to @path ("@...": an abstract one) that never waits;
 * yours. -1: nobody is there. */
int notify_connect(const char *path);

/** notify_reloading - "RELOADING=1" with the time it began; "READY=1" ends it. */
void notify_reloading(const struct notify *notify);

#endif
