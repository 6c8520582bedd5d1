/* SPDX-License-Identifier: Apache-2.0 */
/* stream-shard.c - how connections share multi handles of libcurl. See stream-shard.h. */
#include <config.h>
#include "stream-shard.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#define SHARD_STALE_MS 20 /* another member's thread may have changed what this one waits for */

struct stream_shard {
    struct stream_shard *next;
    CURLM *multi;
    pthread_mutex_t lock; /* over multi, and over what its callbacks write */
    unsigned members;     /* under shards_lock */
};

/* All of this process: connections of one loader's handles know nothing of another's. */
static pthread_mutex_t shards_lock = PTHREAD_MUTEX_INITIALIZER;
static struct stream_shard *shards;
static unsigned shard_count;

/* ---- What libcurl calls ---------------------------------------------------------------------- */

static short shard_events(int what)
{
    return (short)((what & CURL_POLL_IN ? POLLIN : 0) | (what & CURL_POLL_OUT ? POLLOUT : 0));
}

/* libcurl waits for other events of a socket, or no more for it. */
static int shard_on_socket(CURL *easy, curl_socket_t fd, int what, void *context, void *known)
{
    struct stream_member *member = NULL;
    size_t at = 0;
    (void)context;
    (void)known;
    if (curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&member) != CURLE_OK || member == NULL)
        return 0; /* a handle of libcurl's own */
    while (at < member->watched_count && member->watched[at].fd != fd)
        at++;
    if (what == CURL_POLL_REMOVE) {
        if (at < member->watched_count)
            member->watched[at] = member->watched[--member->watched_count];
        return 0;
    }
    if (at == SHARD_WATCHED_MAX)
        return 0; /* then its timers alone are waited for */
    member->watched[at] = (struct pollfd){.fd = fd, .events = shard_events(what)};
    member->watched_count += at == member->watched_count;
    return 0;
}

/* ---- Shards ---------------------------------------------------------------------------------- */

static void shard_free(struct stream_shard *shard)
{
    curl_multi_cleanup(shard->multi);
    pthread_mutex_destroy(&shard->lock);
    free(shard);
}

/* Under shards_lock. NULL out of memory. */
static struct stream_shard *shard_new(void)
{
    struct stream_shard *shard = calloc(1, sizeof *shard);
    if (shard == NULL)
        return NULL;
    pthread_mutex_init(&shard->lock, NULL);
    shard->multi = curl_multi_init();
    if (shard->multi == NULL ||
        curl_multi_setopt(shard->multi, CURLMOPT_SOCKETFUNCTION, shard_on_socket) != CURLM_OK) {
        shard_free(shard);
        return NULL;
    }
    shard->next = shards;
    shards = shard;
    shard_count++;
    return shard;
}

/* A shard with a place taken in it. */
static struct stream_shard *shard_take(void)
{
    struct stream_shard *least = NULL;
    pthread_mutex_lock(&shards_lock);
    for (struct stream_shard *at = shards; at != NULL && shard_count >= SHARD_ALONE; at = at->next)
        if (at->members < (least == NULL ? SHARD_MOST : least->members))
            least = at;
    if (least == NULL)
        least = shard_new();
    if (least != NULL)
        least->members++;
    pthread_mutex_unlock(&shards_lock);
    return least;
}

static void shard_give(struct stream_shard *shard)
{
    pthread_mutex_lock(&shards_lock);
    bool last = --shard->members == 0;
    if (last) {
        struct stream_shard **at = &shards;
        while (*at != shard)
            at = &(*at)->next;
        *at = shard->next;
        shard_count--;
    }
    pthread_mutex_unlock(&shards_lock);
    if (last)
        shard_free(shard);
}

/* ---- Driving --------------------------------------------------------------------------------- */

/* A connection that is made and not used is anybody's: the next one that is made in this shard
 * might find that it is readable, and close it as a dead one. Receiving makes it its own for good.
 */
static void shard_keep(struct stream_member *member)
{
    if (curl_easy_recv(member->easy, member->early, sizeof member->early, &member->early_count) !=
        CURLE_OK)
        member->early_count = 0; /* nothing yet; an end is told once more */
}

/* Who is done? Under the lock. */
static void shard_collect(struct stream_shard *shard)
{
    const CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(shard->multi, &left)) != NULL) {
        struct stream_member *member = NULL;
        if (msg->msg != CURLMSG_DONE ||
            curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&member) != CURLE_OK ||
            member == NULL)
            continue;
        member->code = (int)msg->data.result;
        member->done = true;
        if (member->code == CURLE_OK)
            shard_keep(member);
    }
}

static int shard_act(struct stream_shard *shard, curl_socket_t fd, int events)
{
    int running;
    return curl_multi_socket_action(shard->multi, fd, events, &running) == CURLM_OK ? 0 : -1;
}

/* What poll() found is told to libcurl; when that is nothing, its timers are due. Under the lock.
 */
static int shard_go_on(struct stream_shard *shard, const struct pollfd *at, size_t count)
{
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        int events = (at[i].revents & (POLLIN | POLLHUP) ? CURL_CSELECT_IN : 0) |
                     (at[i].revents & POLLOUT ? CURL_CSELECT_OUT : 0) |
                     (at[i].revents & (POLLERR | POLLNVAL) ? CURL_CSELECT_ERR : 0);
        if (events != 0 && shard_act(shard, at[i].fd, events) < 0)
            return -1;
        any = any || events != 0;
    }
    if (!any && shard_act(shard, CURL_SOCKET_TIMEOUT, 0) < 0)
        return -1;
    shard_collect(shard);
    return 0;
}

/* ---- Members --------------------------------------------------------------------------------- */

void stream_member_lock(const struct stream_member *member)
{
    if (member->shard != NULL)
        pthread_mutex_lock(&member->shard->lock);
}

void stream_member_unlock(const struct stream_member *member)
{
    if (member->shard != NULL)
        pthread_mutex_unlock(&member->shard->lock);
}

int stream_member_join(struct stream_member *member)
{
    member->shard = shard_take();
    if (member->shard == NULL)
        return -1;
    stream_member_lock(member);
    int bad = curl_easy_setopt(member->easy, CURLOPT_PRIVATE, (char *)member) != CURLE_OK ||
              curl_multi_add_handle(member->shard->multi, member->easy) != CURLM_OK ||
              shard_go_on(member->shard, NULL, 0) < 0;
    stream_member_unlock(member);
    return bad ? -1 : 0;
}

int stream_member_step(struct stream_member *member, int most_ms, bool *out_done)
{
    struct stream_shard *shard = member->shard;
    struct pollfd at[SHARD_WATCHED_MAX];
    long timer_ms = -1;
    stream_member_lock(member);
    size_t count = member->watched_count;
    memcpy(at, member->watched, count * sizeof at[0]);
    int bad = curl_multi_timeout(shard->multi, &timer_ms) != CURLM_OK;
    if (member->done)
        most_ms = 0;
    stream_member_unlock(member);
    if (bad)
        return -1;
    if (timer_ms >= 0 && timer_ms < most_ms)
        most_ms = (int)timer_ms;
    if (most_ms > SHARD_STALE_MS)
        most_ms = SHARD_STALE_MS;
    (void)poll(at, count, most_ms); /* what fails here fails again in libcurl */
    stream_member_lock(member);
    bad = shard_go_on(shard, at, count) < 0;
    *out_done = member->done;
    stream_member_unlock(member);
    return bad ? -1 : 0;
}

void stream_member_leave(struct stream_member *member)
{
    if (member->shard == NULL) {
        curl_easy_cleanup(member->easy);
        return;
    }
    stream_member_lock(member);
    (void)curl_multi_remove_handle(member->shard->multi,
                                   member->easy); /* fine if it is not in it */
    curl_easy_cleanup(member->easy);
    stream_member_unlock(member);
    shard_give(member->shard);
    member->shard = NULL;
}
