/* SPDX-License-Identifier: Apache-2.0 */
/* rate.h - how often somebody may try to sign in. Pure: the time is handed in.
 *
 * RATE_ACCOUNT_TRIES a minute for an account, RATE_FROM_TRIES for an address; who has used them up
 * waits RATE_WAIT_MS, the next time twice as long, up to RATE_WAIT_MAX_MS; who signs in starts
 * anew. What is remembered has a fixed size: who is pushed out by others starts anew, so an
 * attacker needs RATE_SLOTS addresses for that. One thread at a time. */
#ifndef MAILCHUTE_HOST_WEB_RATE_H
#define MAILCHUTE_HOST_WEB_RATE_H

#include <stdint.h>

#define RATE_ACCOUNT_TRIES 5u
#define RATE_FROM_TRIES 20u
#define RATE_WINDOW_MS 60000u
#define RATE_WAIT_MS 60000u
#define RATE_WAIT_MAX_MS 900000u
#define RATE_SLOTS 4096u

struct rate_slot {
    uint64_t who; /* 0: free */
    uint64_t since_ms, until_ms, seen_ms;
    uint32_t tries, over;
};

struct rate {
    struct rate_slot slots[RATE_SLOTS]; /* all zero at first */
};

/** rate_try - somebody at @from tries to be @account; 0, and it counts, or the milliseconds to wait
 * first. */
uint64_t rate_try(struct rate *rate, const char *account, const char *from, uint64_t now_ms);

/** rate_forget - @account has signed in. */
void rate_forget(struct rate *rate, const char *account);

#endif
