/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c - how often somebody may try to sign in. See rate.h. */
#include <config.h>
#include "rate.h"

#include <stdio.h>
#include <string.h>

#include "text.h"

#define RATE_NEAR 8u /* slots that one may be in */

static uint64_t rate_who(char kind, const char *name)
{
    char text[400];
    (void)snprintf(text, sizeof text, "%c%s", kind, name);
    for (char *at = text; *at != '\0'; at++)
        *at = text_lower(*at);
    return text_fingerprint(text);
}

/* The slot of this one, or that of its place which was silent for longest. */
static struct rate_slot *rate_slot_of(struct rate *rate, uint64_t who)
{
    struct rate_slot *oldest = &rate->slots[who % RATE_SLOTS];
    for (uint64_t i = 0; i < RATE_NEAR; i++) {
        struct rate_slot *slot = &rate->slots[(who + i) % RATE_SLOTS];
        if (slot->who == who)
            return slot;
        if (slot->seen_ms < oldest->seen_ms)
            oldest = slot;
    }
    *oldest = (struct rate_slot){.who = who};
    return oldest;
}

static uint64_t rate_wait(const struct rate_slot *slot, uint64_t now_ms)
{
    return now_ms < slot->until_ms ? slot->until_ms - now_ms : 0;
}

static void rate_count(struct rate_slot *slot, uint32_t most, uint64_t now_ms)
{
    slot->seen_ms = now_ms;
    if (now_ms - slot->since_ms >= RATE_WINDOW_MS) {
        slot->since_ms = now_ms;
        slot->tries = 0;
        if (now_ms - slot->until_ms >= RATE_WAIT_MAX_MS)
            slot->over = 0;
    }
    if (++slot->tries < most)
        return;
    slot->tries = 0;
    uint64_t wait_ms = slot->over < 10 ? (uint64_t)RATE_WAIT_MS << slot->over : RATE_WAIT_MAX_MS;
    slot->over++;
    slot->until_ms = now_ms + (wait_ms < RATE_WAIT_MAX_MS ? wait_ms : RATE_WAIT_MAX_MS);
}

uint64_t rate_try(struct rate *rate, const char *account, const char *from, uint64_t now_ms)
{
    struct rate_slot *by_from = rate_slot_of(rate, rate_who('f', from));
    uint64_t wait_ms = rate_wait(by_from, now_ms);
    if (wait_ms > 0)
        return wait_ms;
    struct rate_slot *by_account = rate_slot_of(rate, rate_who('a', account));
    wait_ms = rate_wait(by_account, now_ms);
    if (wait_ms > 0)
        return wait_ms;
    rate_count(by_account, RATE_ACCOUNT_TRIES, now_ms);
    by_from = rate_slot_of(rate, rate_who('f', from)); /* the account may have pushed it out */
    rate_count(by_from, RATE_FROM_TRIES, now_ms);
    return 0;
}

void rate_forget(struct rate *rate, const char *account)
{
    struct rate_slot *slot = rate_slot_of(rate, rate_who('a', account));
    *slot = (struct rate_slot){.who = 0};
}
