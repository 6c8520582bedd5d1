/* SPDX-License-Identifier: Apache-2.0 */
/* rate.c - how often somebody may try to sign in. See rate.h. */
#include <config.h>
#include "rate.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "text.h"

#define RATE_NAME_MAX 400u
#define RATE_COST_MS(tries) (RATE_WINDOW_MS / (tries))

_Static_assert((RATE_CELLS & (RATE_CELLS - 1)) == 0 && RATE_CELLS <= 65536 && RATE_ROWS == 4,
               "16 bits of a hash choose the cell in each row");

void rate_init(struct rate *rate)
{
    pass_key(rate->key);
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* "192.0.2.1", "2001:db8:1:2::/64"; what is no address stands for itself. */
static void rate_network(const char *from, char *out, size_t size)
{
    struct in6_addr six;
    static const uint8_t four[12] = {[10] = 0xFF, [11] = 0xFF};
    text_copy(out, size, from);
    if (inet_pton(AF_INET6, from, &six) != 1)
        return;
    if (memcmp(six.s6_addr, four, sizeof four) == 0) {
        (void)inet_ntop(AF_INET, six.s6_addr + sizeof four, out, (socklen_t)size);
        return;
    }
    memset(six.s6_addr + 8, 0, 8);
    (void)inet_ntop(AF_INET6, &six, out, (socklen_t)size);
}

/* Never 0. */
static uint64_t rate_who(const struct rate *rate, char kind, const char *account,
                         const char *network)
{
    char text[RATE_NAME_MAX];
    (void)snprintf(text, sizeof text, "%c%.50s %.300s", kind, network, account);
    for (char *at = text; *at != '\0'; at++)
        *at = text_lower(*at);
    uint64_t who = pass_keyed(rate->key, text);
    return who == 0 ? 1 : who;
}

/* ---- Cells ----------------------------------------------------------------------------------- */

static struct rate_cell *rate_cell(struct rate *rate, uint64_t who, unsigned row)
{
    return &rate->cells[row][(who >> (16 * row)) & (RATE_CELLS - 1)];
}

static bool rate_cell_waits(const struct rate_cell *cell, uint64_t cost_ms, uint64_t now_ms)
{
    return now_ms < cell->until_ms || cell->busy_ms + cost_ms > now_ms + RATE_WINDOW_MS;
}

/* A full one begins to wait. */
static uint64_t rate_cell_wait(struct rate_cell *cell, uint64_t now_ms)
{
    if (now_ms < cell->until_ms)
        return cell->until_ms - now_ms;
    if (now_ms - cell->until_ms >= RATE_WAIT_MAX_MS)
        cell->over = 0;
    uint64_t wait_ms = cell->over < 10 ? (uint64_t)RATE_WAIT_MS << cell->over : RATE_WAIT_MAX_MS;
    wait_ms = wait_ms < RATE_WAIT_MAX_MS ? wait_ms : RATE_WAIT_MAX_MS;
    cell->over++;
    cell->until_ms = now_ms + wait_ms;
    return wait_ms;
}

/* 0, or how long this one has to wait: as long as the first of its cells. */
static uint64_t rate_wait(struct rate *rate, uint64_t who, uint64_t cost_ms, uint64_t now_ms)
{
    uint64_t least_ms = UINT64_MAX;
    for (unsigned row = 0; row < RATE_ROWS; row++)
        if (!rate_cell_waits(rate_cell(rate, who, row), cost_ms, now_ms))
            return 0;
    for (unsigned row = 0; row < RATE_ROWS; row++) {
        uint64_t wait_ms = rate_cell_wait(rate_cell(rate, who, row), now_ms);
        least_ms = wait_ms < least_ms ? wait_ms : least_ms;
    }
    return least_ms;
}

/* Which rows took it in full: a cell that is full by others takes no more. */
static unsigned rate_count(struct rate *rate, uint64_t who, uint64_t cost_ms, uint64_t now_ms)
{
    unsigned rows = 0;
    for (unsigned row = 0; row < RATE_ROWS; row++) {
        struct rate_cell *cell = rate_cell(rate, who, row);
        uint64_t busy_ms = (cell->busy_ms > now_ms ? cell->busy_ms : now_ms) + cost_ms;
        bool in_full = busy_ms <= now_ms + RATE_WINDOW_MS;
        cell->busy_ms = in_full ? busy_ms : now_ms + RATE_WINDOW_MS;
        rows |= in_full ? 1u << row : 0;
    }
    return rows;
}

static void rate_uncount(struct rate *rate, uint64_t who, unsigned rows, uint64_t cost_ms)
{
    for (unsigned row = 0; row < RATE_ROWS; row++)
        if ((rows & 1u << row) != 0) {
            struct rate_cell *cell = rate_cell(rate, who, row);
            cell->busy_ms = cell->busy_ms > cost_ms ? cell->busy_ms - cost_ms : 0;
        }
}

/* ---- Who is known ---------------------------------------------------------------------------- */

/* His place; the oldest one if he is not known. */
static struct rate_known *rate_known(struct rate *rate, uint64_t who)
{
    struct rate_known *oldest = &rate->known[0];
    for (unsigned i = 0; i < RATE_KNOWN; i++) {
        struct rate_known *known = &rate->known[i];
        if (known->who == who)
            return known;
        if (known->who == 0 || known->seen_ms < oldest->seen_ms)
            oldest = known;
    }
    return oldest;
}

static bool rate_is_known(struct rate *rate, uint64_t who, uint64_t now_ms)
{
    const struct rate_known *known = rate_known(rate, who);
    return known->who == who && now_ms - known->seen_ms < RATE_KNOWN_MS;
}

/* ---- Tries ----------------------------------------------------------------------------------- */

uint64_t rate_try(struct rate *rate, const char *account, const char *from, uint64_t now_ms,
                  struct rate_try *out_try)
{
    char network[INET6_ADDRSTRLEN + 1];
    struct rate_try try = {.account = 0};
    rate_network(from, network, sizeof network);
    try.from = rate_who(rate, 'f', "", network);
    if (account != NULL) {
        try.known = rate_who(rate, 'k', account, network);
        bool known = rate_is_known(rate, try.known, now_ms);
        try.account = known ? try.known : rate_who(rate, 'a', account, "");
        try.from = known ? 0 : try.from;
    }
    uint64_t wait_ms =
        try.from == 0 ? 0 : rate_wait(rate, try.from, RATE_COST_MS(RATE_FROM_TRIES), now_ms);
    if (wait_ms == 0 && try.account != 0)
        wait_ms = rate_wait(rate, try.account, RATE_COST_MS(RATE_ACCOUNT_TRIES), now_ms);
    if (wait_ms != 0)
        return wait_ms;
    if (try.account != 0)
        try.account_rows =
            rate_count(rate, try.account, RATE_COST_MS(RATE_ACCOUNT_TRIES), now_ms);
    if (try.from != 0)
        try.from_rows = rate_count(rate, try.from, RATE_COST_MS(RATE_FROM_TRIES), now_ms);
    *out_try = try;
    return 0;
}

void rate_right(struct rate *rate, const struct rate_try *right, uint64_t now_ms)
{
    rate_uncount(rate, right->account, right->account_rows, RATE_COST_MS(RATE_ACCOUNT_TRIES));
    rate_uncount(rate, right->from, right->from_rows, RATE_COST_MS(RATE_FROM_TRIES));
    if (right->known != 0)
        *rate_known(rate, right->known) = (struct rate_known){right->known, now_ms};
}
