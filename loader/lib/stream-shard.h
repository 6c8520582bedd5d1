/* SPDX-License-Identifier: Apache-2.0 */
/* stream-shard.h - how connections share multi handles of libcurl. For stream.c alone.
 *
 * A connection lives in a multi handle to its end, and each of those costs two descriptors (the
 * pair that wakes it) and 10 kB. So SHARD_ALONE connections have one each; what comes beyond that
 * shares, the least used first, up to SHARD_MOST in one: 10,000 connections need 10,300
 * descriptors. Not more in one, because libcurl walks through all of a multi handle's connections
 * at each call.
 *
 * A multi handle is used by one thread at a time: every call to libcurl for a member is made
 * between stream_member_lock() and _unlock(), and none of them blocks. While a member connects, its
 * thread waits for its own sockets, outside the lock; libcurl's timers are served by whoever comes
 * first, so callbacks of a member may run in another member's thread, under the lock.
 *
 * Members join and leave from any thread; a shard goes with its last one. */
#ifndef MAILCHUTE_LOADER_LIB_STREAM_SHARD_H
#define MAILCHUTE_LOADER_LIB_STREAM_SHARD_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define SHARD_ALONE 64u      /* connections that have a multi handle of their own */
#define SHARD_MOST 64u       /* in one handle */
#define SHARD_WATCHED_MAX 8u /* sockets of one member while it connects: look-up, two addresses */
#define SHARD_EARLY_MAX 64u

struct stream_shard;

struct stream_member {
    void *easy; /* a CURL, made by the caller, freed by stream_member_leave() */
    struct stream_shard *shard;
    bool done; /* libcurl is done connecting: code tells how that ended. Both under the lock */
    int code; /* CURLcode */
    char early[SHARD_EARLY_MAX]; /* came with the end of the connecting, early_count bytes */
    size_t early_count;
    struct pollfd watched[SHARD_WATCHED_MAX]; /* what libcurl waits for */
    size_t watched_count;
};

/** stream_member_join - find a shard for @member, whose easy handle is set up, and start
 * connecting. -1 out of memory. Either way stream_member_leave() is due. */
int stream_member_join(struct stream_member *member);

/** stream_member_step - wait for at most @most_ms for something to happen, and go on with it.
 * *out_done: the member is done. -1 out of memory. */
int stream_member_step(struct stream_member *member, int most_ms, bool *out_done);

/** stream_member_leave - close the connection and free the handle. Zeroed: nothing. */
void stream_member_leave(struct stream_member *member);

/* Where there is no shard yet: nothing. */
void stream_member_lock(const struct stream_member *member);
void stream_member_unlock(const struct stream_member *member);

#endif
