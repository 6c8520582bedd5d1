/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h - how often somebody may try to sign in. Pure but for its key: the time is handed in.
 *
 * RATE_ACCOUNT_TRIES a minute for an account, RATE_FROM_TRIES for a network: an IPv4 address, or
 * the /64 of an IPv6 one, which is what one customer is given. Who tries more often waits
 * RATE_WAIT_MS, the next time twice as long, up to RATE_WAIT_MAX_MS. Only what fails counts. Who
 * has signed in from a network is known there: strangers use up his own RATE_ACCOUNT_TRIES there
 * neither by guessing at his account from elsewhere nor by trying others beside him.
 *
 * Each name has a cell in each of RATE_ROWS rows, chosen by a keyed hash, and shares them with
 * others; it has to wait when all its cells say so (a count-min sketch of leaky buckets). So no
 * flood of names resets anybody, nobody can choose whom he shares with, and what is remembered has
 * a fixed size. One who did nothing waits wrongly only when others have filled a cell of his in
 * every row: with 1,000 names that wait, once in 80,000. One thread at a time. */
#ifndef MAILCHUTE_HOST_WEB_RATE_H
#define MAILCHUTE_HOST_WEB_RATE_H

#include <stdint.h>

#include "pass.h"

#define RATE_ACCOUNT_TRIES 5u
#define RATE_FROM_TRIES 20u
#define RATE_WINDOW_MS 60000u
#define RATE_WAIT_MS 60000u
#define RATE_WAIT_MAX_MS 900000u
#define RATE_ROWS 4u
#define RATE_CELLS 16384u
#define RATE_KNOWN 512u
#define RATE_KNOWN_MS (30u * 86400000ull)

struct rate_cell {
    uint64_t busy_ms;  /* until then what was tried fills it */
    uint64_t until_ms; /* and until then it waits */
    uint32_t over;     /* how often it has waited */
};

struct rate_known {
    uint64_t who; /* an account and a network; 0: free */
    uint64_t seen_ms;
};

struct rate {
    uint8_t key[PASS_KEY_SIZE];
    struct rate_cell cells[RATE_ROWS][RATE_CELLS]; /* all zero at first, as the rest */
    struct rate_known known[RATE_KNOWN];
};

/* What a try was counted as. */
struct rate_try {
    uint64_t account, from; /* 0: not counted there */
    uint64_t known;         /* who it makes known if it is right; 0: nobody */
    unsigned account_rows, from_rows; /* bits: it was counted in full */
};

/** rate_init - a key of its own for what is all zero. After pass_start(). What nobody has touched
 * of it costs no memory. */
void rate_init(struct rate *rate);

/** rate_try - somebody at @from tries to be @account (NULL: none, it is something else that is
 * tried); 0, and it counts, or the milliseconds to wait first. */
uint64_t rate_try(struct rate *rate, const char *account, const char *from, uint64_t now_ms,
                  struct rate_try *out_try);

/** rate_right - the try was right: it does not count. */
void rate_right(struct rate *rate, const struct rate_try *right, uint64_t now_ms);

#endif
