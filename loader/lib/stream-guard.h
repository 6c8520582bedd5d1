/* SPDX-License-Identifier: Apache-2.0 */
/* stream-guard.h - keep SIGPIPE away while a library writes to a socket.
 *
 * A host that does not ignore SIGPIPE must not die of a server that hangs up: with
 * CURLOPT_NOSIGNAL (needed in threads) libcurl does not see to that. One that was pending before
 * stays so. For the calling thread. */
#ifndef MAILCHUTE_LOADER_LIB_STREAM_GUARD_H
#define MAILCHUTE_LOADER_LIB_STREAM_GUARD_H

#include <signal.h>
#include <stdbool.h>

struct stream_guard {
    sigset_t before;
    bool was_pending;
};

void stream_guard_enter(struct stream_guard *guard);
void stream_guard_leave(struct stream_guard *guard);

#endif
