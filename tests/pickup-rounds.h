/* SPDX-License-Identifier: Apache-2.0 */
/* pickup-rounds.h - pick-ups one after the other within one process, some of which fail: the
 * command, imap.so, libcurl and SQLite, as they are, and a shim that is preloaded and lets
 * something fail. The server is a process of its own (usual-server.h). Each round picks up the one
 * message of a new account.
 *
 *     int main(int argc, char **argv) { rounds_preload("oom-shim.so", "oom_shim_arm", argv); ... }
 *
 *     rounds_next(&r);
 *     (let something fail)
 *     int code = rounds_pickup(&r);
 *     rounds_judge(&r, false, "allocation", n);
 *     (nothing fails any more)
 *     rounds_go_on(&r, "allocation", n);
 */
#ifndef MAILCHUTE_TESTS_PICKUP_ROUNDS_H
#define MAILCHUTE_TESTS_PICKUP_ROUNDS_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "queue-fixture.h"

#define ROUNDS_SAID_MAX 4096
#define ROUNDS_TIMEOUT_S 3600

/* On the server; shared with it. */
struct rounds_mailbox {
    _Atomic unsigned int there; /* as in usual_server */
};

struct rounds {
    /* Set by the test: one queue for all rounds, which is open here as well; else each round begins
     * without one. */
    bool keep_open;
    /* Set by the test behind rounds_init(): another loader's connection string (its path is loader),
     * and what rounds_judge() is then. NULL: the server, and as said there. */
    const char *connection;
    void (*judge)(struct rounds *r, bool settled, const char *what, long n);
    char loader[PATH_MAX];
    char folder[PATH_MAX];      /* everything is below it */
    char said[ROUNDS_SAID_MAX]; /* by the last pick-up, on standard error */
    /* Its own. */
    struct queue_fixture fixture;
    struct rounds_mailbox *box;
    pid_t server;
    unsigned int port, count; /* of rounds */
    int real_stdout, real_stderr, nowhere, saying, said_fd, descriptors;
    char secret[PATH_MAX + 16], queue_url[PATH_MAX + 16];
};

/** rounds_preload - start this program once more with @shim preloaded, unless it is. Returns only
 * when it is: then @symbol is there, and looked up. */
void *rounds_preload(const char *shim, const char *symbol, char **argv);

void rounds_init(struct rounds *r);
void rounds_done(struct rounds *r);

/** rounds_next - a new account with one message. */
void rounds_next(struct rounds *r);

/** rounds_pickup - mailchute pickup of it; the exit code. What it says is caught. */
int rounds_pickup(struct rounds *r);

/** rounds_judge - what left the mailbox is in the queue, once and with all its bytes; if all is
 * @settled, it did leave, and is known to have. No mail is blamed. @what and @n name what failed.
 */
void rounds_judge(struct rounds *r, bool settled, const char *what, long n);

/** rounds_go_on - a pick-up that nothing disturbs ends as if nothing had been, and no descriptor
 * was left open. */
void rounds_go_on(struct rounds *r, const char *what, long n);

#endif
