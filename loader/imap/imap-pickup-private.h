/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pickup-private.h - what the files of the pick-up share; nobody else includes it.
 *
 *   imap-pickup.c        the pass: connect, plan, hand out, settle, wait
 *   imap-pickup-list.c   from SEARCH to a listing of what is to be fetched
 *   imap-pickup-fetch.c  windows of bodies, and the count of attempts
 *   imap-again.c         messages of a listing that were seen before */
#ifndef MAILCHUTE_LOADER_IMAP_PICKUP_PRIVATE_H
#define MAILCHUTE_LOADER_IMAP_PICKUP_PRIVATE_H

#include "buffer.h"
#include "imap-again.h"
#include "imap-move.h"
#include "imap-pickup.h"
#include "imap-rules.h"
#include "imap-window.h"

#define IMAP_IDLE_SHORT_MS                                                                         \
    10000u /* an IDLE that the server ends within this time helps nobody ... */
#define IMAP_IDLES_SHORT 3u       /* ... and so often in a row: it is asked for no more */
#define IMAP_NEWS_EMPTY 3u        /* passes in a row that were announced mail and found none ... */
#define IMAP_NEWS_PAUSE_MS 1000u  /* ... and the pause before each further one */
/* One being handed out, the others on their way while the host stores: some of any mail, and many of
 * small mail, as long as they are not more than so many bytes. What we do not take yet lies in the
 * kernel's buffers then, so that the host has something to store while the server is busy with
 * moving a thousand messages. */
#define IMAP_WINDOWS 16u
#define IMAP_WINDOWS_LARGE 4u
#define IMAP_WINDOWS_BYTES (4u * 1024 * 1024)
#define IMAP_SUSPECTS_MAX                                                                          \
    16u /* that did not come to an end once: where there are more, so many go in                   \
           one window */
#define IMAP_SHORT_MAX 3u   /* of these, and the server's sizes are not believed any more */
#define IMAP_RETRY_MAX 500u /* messages whose bodies did not come; more wait for a later run */
#define IMAP_WINDOW_COUNT 100u /* messages of a window, where batch does not say */

/* The entries of listings and windows. There while there is mail to pick up: an idle mailbox does
 * without them. */
struct imap_room {
    struct imap_entry listing[IMAP_WINDOW_MAX]; /* asked for */
    struct imap_entry listed[IMAP_WINDOW_MAX];  /* to be fetched */
    struct imap_entry windows[IMAP_WINDOWS][IMAP_WINDOW_MAX];
    struct imap_look looks[IMAP_WINDOW_MAX]; /* of imap-again.h */
};

struct imap_pickup {
    struct imap_pickup_options options;
    const struct imap_settings *settings;
    const struct imap_host *host;
    char *user, *secret;
    struct imap_rules rules;
    struct imap_session *session; /* NULL until the first next() */
    struct imap_folders folders;
    struct imap_moves *moves;

    struct imap_set todo;    /* found, not listed yet */
    struct imap_set handled; /* listed in this session: not to be listed again */
    struct imap_set reconciled; /* seen to by imap-reconcile.h, and by nobody else in this session */
    /* Of these, what the server did not give out, and what was marked as deleted just then: to be
     * looked for again ... */
    struct imap_set missed;
    uint64_t missed_ms;       /* ... by the first search from then on */
    bool missed_due;          /* it was looked for in this pass */
    uint64_t missed_before;   /* how many when the last pass was over */
    uint32_t missed_pause_ms; /* before the one behind that; 0: nothing was missed */
    struct imap_set unlisted; /* found, and not listed when they were asked for once */
    bool listing_again;       /* ... and asked for once more in this pass */
    bool listing_refused,
        listed_any;      /* in this pass a listing was answered NO; a message was listed */
    uint64_t left_count; /* of what is missed, what is there and was not given out ... */
    uint32_t left_uid;   /* ... the first of them ... */
    struct error left_why; /* ... and why: what the server said */
    bool trouble_told;
    uint32_t search_from;   /* not 0: the last search found too much, go on from this UID */
    uint32_t pieces;        /* of todo and of handled: runs of UIDs, at most */
    uint64_t beyond;        /* the first that this search found and did not keep; UINT64_MAX: none */
    uint64_t beyond_count;  /* ... and how many there are from there on */
    bool searched, searching;
    uint32_t struck; /* one of several folders: up to this UID the ledger's are out of todo */
    bool claimed;    /* by another pick-up, says the host */
    bool refused; /* one of several folders: the server answered NO, refusal tells */
    struct error refusal;
    uint64_t found; /* by the last search, for progress() */
    uint64_t next_poll_ms;
    uint64_t idle_end_ms; /* when this IDLE is to be renewed */
    bool idles;           /* we asked for IDLE, and did not end it */
    uint64_t idle_since_ms;
    unsigned int idles_short; /* in a row that the server ended at once */

    struct imap_room *room;     /* NULL: nothing was listed since it was dropped */
    struct imap_entry *listing; /* room->listing */
    size_t listing_count;
    bool listing_sent, listing_ready;
    struct imap_entry *listed; /* room->listed, to be fetched from listed_next on */
    size_t listed_count, listed_next;
    struct imap_entry *retry; /* bodies that did not come */
    size_t retry_count;
    unsigned int short_count; /* bodies that came short twice, each as short as before */

    struct imap_window windows[IMAP_WINDOWS]; /* a ring; oldest at first_window */
    size_t first_window, window_count;
    struct imap_body body;
    struct buffer header; /* of the message being listed, for the rules */
    bool header_open;

    bool others_moves; /* a listing met a move under way that this session did not begin: of a run
                          that was here while this one waited, and died over it */
    uint64_t refused_ms;       /* when moves that were refused are tried again; 0: none is to be */
    uint32_t refused_pause_ms; /* since the last try; 0: none was refused */
    uint64_t refused_count;    /* by the pass that was over last ... */
    struct error refused_why;  /* ... and why, as it was told */

    uint64_t planned;        /* messages in windows or handed out, against options.limit */
    uint64_t planned_before; /* of these, in the passes before this one */
    uint64_t expected;       /* messages of this pass that are not known to be stored */
    uint64_t out;            /* handed out, not settled */
    bool brought;            /* this pass handed out a message */
    unsigned int news_empty; /* passes in a row that did not, with news of more at their end */
    bool accept;             /* a person released the mailbox: until the first pass is over */
    struct imap_again again;
    bool suspects;           /* the last window holds messages that were tried before */
    uint32_t turn;           /* whose turn it is: of those that were tried so often before */
    struct imap_set later;   /* listed in this pass, and tried more often */
    uint64_t orders, listing_order; /* windows and listings asked for; when the listing was */
    const struct imap_entry *blamed; /* on its way when the link broke: its attempt counts */
    struct imap_entry given; /* what the last message's borrowed texts belong to */
    char date[CLOCK_RFC3339_MAX];
};

/** imap_pickup_search - look for mail anew; what is found comes to todo. */
int imap_pickup_search(struct imap_pickup *p, struct error *err);

/** imap_pickup_strike - before something is listed: of what was found in one of several folders,
 * take out what the ledger knows, which stays where it is, so that there is nothing to ask the
 * server for; until there are strangers for a listing, or the end of todo. What a server claims to
 * have costs no more than the ledger knows of, and what is listed. */
int imap_pickup_strike(struct imap_pickup *p, struct error *err);

/** imap_listing_send - ask for the data of the next UIDs of todo. */
int imap_listing_send(struct imap_pickup *p, struct error *err);

/** imap_listing_inspect - some of what was listed was seen before (imap-again.h): as soon as no
 * body is on its way, look at it. */
int imap_listing_inspect(struct imap_pickup *p, struct error *err);

/** imap_listing_adopt - what is listed is to be fetched, when all that was listed before is: the
 * oldest first. Those that go alone because they were tried before begin with any of them, another
 * one each time: one that ends every session ends only some before a certain other had its turn. */
void imap_listing_adopt(struct imap_pickup *p);

/** imap_pickup_take_turns - all that was found and was not tried more often is through: now for
 * those that were, those tried least first. So whatever kills us, or breaks the link, on its way
 * takes the others' place only when they are through, and a message beside it is not counted up to
 * the limit. */
int imap_pickup_take_turns(struct imap_pickup *p, struct error *err);

/** imap_pickup_asks_no_more - nothing of what was found is left to be asked for in this turn. */
bool imap_pickup_asks_no_more(const struct imap_pickup *p);

/** imap_suspects_go_alone - and not some in one window. */
bool imap_suspects_go_alone(uint32_t attempts, size_t count);

/** imap_pickup_listed - the data of a message came. */
int imap_pickup_listed(struct imap_pickup *p, const struct imap_fetch *fetch, struct error *err);

/** imap_pickup_fill_window - ask for the next bodies, if there is anything that may be asked
 * for. */
int imap_pickup_fill_window(struct imap_pickup *p, struct error *err);

/** imap_pickup_make_room - for a listing and what comes of it; it may be there already.
 * imap_pickup_drop_room - the pass is over: nothing is listed and no window is in use. */
int imap_pickup_make_room(struct imap_pickup *p, struct error *err);
void imap_pickup_drop_room(struct imap_pickup *p);

/** imap_pickup_on_event - data that no command took: listings and bodies. */
int imap_pickup_on_event(void *context, const struct imap_event *event, struct error *err);

bool imap_pickup_limit_reached(const struct imap_pickup *p);

/** imap_pickup_awaits_any - bodies are on their way. */
bool imap_pickup_awaits_any(const struct imap_pickup *p);

/** imap_pickup_waits_for_host - nothing can be asked for before the host settles what it holds. */
bool imap_pickup_waits_for_host(const struct imap_pickup *p);

/** imap_pickup_leave_behind - the server does not give this one out, it says @why: left for a later
 * pass, and told when this one is over. */
void imap_pickup_leave_behind(struct imap_pickup *p, uint32_t uid, const struct error *why);

/** imap_pickup_plan_missed - the pass is over: when is what was missed in it looked for again? By the
 * next search, then after pauses as those of refused moves; so a message that is never given out
 * costs little. */
void imap_pickup_plan_missed(struct imap_pickup *p);

/** imap_pickup_longer_pause - the pause behind one of @pause_ms (0: the first), before what the server
 * refused is tried again. */
uint32_t imap_pickup_longer_pause(uint32_t pause_ms);

/** imap_pickup_claimed - what the host @answered to what claims the mailbox (negative: it failed).
 * Is it another's? It is the host that asks for a pause then, not the server. */
int imap_pickup_claimed(struct imap_pickup *p, int answered, const struct error *err);

/** imap_pickup_withdraw - these were attempted, and it was not their fault that nothing came of it:
 * it does not count. */
int imap_pickup_withdraw(struct imap_pickup *p, const uint32_t *uids, size_t count,
                         struct error *err);

/** imap_pickup_blame - the session failed while bodies were on their way: if it was the link or
 * what the server said, one of them may be why, as where the server cannot read it. The first that
 * is not here is tried behind all others from now on: its attempt is not taken back, but none of
 * those that end in this way is the last that IMAP_ATTEMPTS_MAX allows. @err gets its name. */
void imap_pickup_blame(struct imap_pickup *p, struct error *err);

/** imap_pickup_withdraw_windows - imap_pickup_withdraw() for all that is on its way, or is to be
 * asked for again, and was not handed out, but for what is blamed. */
void imap_pickup_withdraw_windows(struct imap_pickup *p);

#endif
