/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-loader.c - External Source "Mailchain": picks up messages from a Mailchain client's
 * API.
 *
 *     pass: /protocols ─> each network: /addresses ─> each address: /messages, page by page
 *           page: windows of messages ─> known? ─> mail (mailchain-mail.h) ─> next()
 *
 * Origins: the account is the address, the mailbox "protocol.network", the UID 0 and the key
 * mailchain_mail_key(); no part of it tells where the client runs, so that one that moves brings
 * nothing twice. Within a page the oldest message comes first; pages come as the client gives them.
 * A pass reads every page, as the client tells no order that could be relied upon. Nothing is
 * changed at the client: what is settled is only noted.
 *
 * A network or an address that fails is told, and left alone for a time that doubles, or for as
 * long as the client asks; the others go on, and the host is told of the trouble. Only when all
 * fail, or the client cannot be reached at all, next() fails. */
#include <config.h>
#include "loader-item.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mailchain-check.h"
#include "mailchain-client.h"
#include "mailchain-mail.h"
#include "mailchain-set.h"
#include "mailchain-trouble.h"
#include "text.h"

#define CHAIN_WINDOW 64u       /* messages that are asked about, and noted, at once */
#define CHAIN_ATTEMPTS_MAX 3u  /* attempts without an end, after which a message is set aside */
#define CHAIN_MAIL_MAX ((size_t)1 << 30) /* bytes of a mail that is made */
#define CHAIN_BROKEN " cannot be read (half a character, a number out of range) and are left at the client"
#define CHAIN_WHERE_MAX (3u * MAILCHAIN_NAME_MAX + 8u)

/* One message of the window. */
struct chain_slot {
    size_t at; /* in the page */
    char key[MAILCHAIN_KEY_MAX];
    struct loader_record record;
    bool noted; /* an attempt was noted, and it was not handed out */
};

struct chain_item {
    struct chain_item *next;
    struct loader_item_box *box;
};

struct chain_loader {
    struct loader_host host;
    struct clock clock;
    struct mailchain_settings *settings;
    struct mailchain_client *client;
    bool read_only, limited;
    uint64_t left; /* items that may still be handed out, where limited */

    /* Where the pass is: network and address are the next ones, page belongs to the one before. */
    bool in_pass;
    struct mailchain_pairs networks, addresses;
    size_t network, address;
    char mailbox[2 * MAILCHAIN_NAME_MAX + 2]; /* of the network before the next one */
    struct mailchain_page *page;
    size_t page_left; /* messages of it that no window has had */
    struct mailchain_paging paging;
    bool page_news; /* it holds a message that no page before it held */
    void *pass_keys; /* mailchain-set.h: of the messages of this address so far */
    struct chain_slot window[CHAIN_WINDOW];
    size_t window_count, window_at;
    uint64_t found;  /* new messages of this pass so far */
    size_t asked, failed; /* addresses, and networks that do not tell theirs */
    uint64_t too_large, broken; /* messages that were stepped over */
    struct error why;     /* of the one that failed last, in whatever pass */
    uint64_t pass_due_ms;
    bool told; /* this pass is over, and was told to be while items were out: once more so */

    struct mailchain_troubles troubles;
    struct chain_item *items; /* handed out, not settled */
    void *seen;               /* set of origins handed out and not settled: none comes twice */
    bool alone;               /* the one handed out last was tried before */
    uint64_t last_token;
    struct loader_item_box *parsed;
};

/* An origin as one text, for the set of those that are out. */
static char *chain_origin_text(const struct loader_origin *origin)
{
    char *text = NULL;
    return asprintf(&text, "%s/%s/%s", origin->mailbox, origin->account, origin->key) < 0 ? NULL
                                                                                         : text;
}

/* ---- Attempts that were none ------------------------------------------------------------------
 */

/* A failure to take one back costs a try, no more. */
static void chain_take_back(const struct chain_loader *loader, const struct loader_origin *origin)
{
    const struct loader_record record = {*origin, .step = LOADER_STEP_UNKNOWN};
    if (!loader->read_only)
        (void)loader_host_note(&loader->host, &record, 1, NULL);
}

/* Of the messages that were asked about these were not reached. */
static void chain_end_window(struct chain_loader *loader)
{
    for (size_t i = 0; i < loader->window_count; i++)
        if (loader->window[i].noted)
            chain_take_back(loader, &loader->window[i].record.origin);
    loader->window_count = loader->window_at = 0;
}

static void chain_end_page(struct chain_loader *loader)
{
    chain_end_window(loader);
    mailchain_page_free(loader->page);
    loader->page = NULL;
    loader->page_left = 0;
}

static void chain_end_pass(struct chain_loader *loader)
{
    chain_end_page(loader);
    mailchain_pairs_done(&loader->networks);
    mailchain_pairs_done(&loader->addresses);
    mailchain_set_clear(&loader->pass_keys);
    loader->network = loader->address = 0;
    loader->in_pass = false;
    loader->pass_due_ms = clock_monotonic_ms(&loader->clock) + loader->settings->poll_ms;
}

/* ---- Making and freeing a handle --------------------------------------------------------------
 */

static void chain_free_items(struct chain_item *items)
{
    while (items != NULL) {
        struct chain_item *item = items;
        items = item->next;
        loader_item_box_free(item->box);
        free(item);
    }
}

static void chain_loader_free(struct chain_loader *loader)
{
    if (loader == NULL)
        return;
    if (loader->settings != NULL)
        chain_end_pass(loader);
    for (const struct chain_item *at = loader->items; at != NULL; at = at->next)
        chain_take_back(loader, &loader_item_of(at->box)->origin);
    chain_free_items(loader->items);
    mailchain_set_clear(&loader->seen);
    mailchain_troubles_done(&loader->troubles);
    loader_item_box_free(loader->parsed);
    mailchain_client_close(loader->client);
    mailchain_settings_free(loader->settings);
    free(loader);
}
AUTO_DEFINE(chain_loader, chain_loader_free);

static bool chain_cancelled(void *context)
{
    const struct chain_loader *loader = context;
    return loader_host_cancelled(&loader->host, NULL);
}

static int chain_loader_new(const struct loader_host *host, const struct loader_settings *settings,
                            struct chain_loader **out_loader, struct error *err)
{
    struct loader_settings given;
    loader_settings_copy(settings, &given);
    AUTO(chain_loader) loader = calloc(1, sizeof *loader);
    if (loader == NULL)
        return error_oom(err, "opening a Mailchain client");
    if (loader_host_copy(host, &loader->host, err) < 0)
        return -1;
    loader->clock = loader_host_clock(&loader->host); /* chain_loader_free() looks at it */
    if (mailchain_settings_read(given.connection != NULL ? given.connection : "",
                                &loader->settings, err) < 0)
        return -1;
    if ((given.flags & LOADER_GUARDED) != 0)
        return error_set(err, ERROR_USAGE, "a Mailchain client runs on this machine or beside it; "
                         "who is not trusted with those cannot pick up from one");
    loader->read_only = (given.flags & LOADER_READ_ONLY) != 0;
    loader->limited = given.limit != 0;
    loader->left = given.limit;
    *out_loader = TAKE(loader);
    return 0;
}

static int chain_loader_open(const struct loader_host *host, const struct loader_settings *settings,
                             struct chain_loader **out_loader, struct error *err)
{
    AUTO(chain_loader) loader = NULL;
    if (chain_loader_new(host, settings, &loader, err) < 0 ||
        mailchain_client_open(loader->settings, &loader->clock, chain_cancelled, loader,
                              &loader->client, err) < 0)
        return -1;
    *out_loader = TAKE(loader);
    return 0;
}

/* ---- Troubles -------------------------------------------------------------------------------- */

/* It failed before, and its time has not come. */
static bool chain_is_left_alone(struct chain_loader *loader, const char *where)
{
    bool alone = mailchain_trouble_rests(&loader->troubles, where,
                                         clock_monotonic_ms(&loader->clock));
    loader->failed += alone ? 1 : 0;
    return alone;
}

/* What is about this place alone goes on to the next one: 0. All else stops: -1, @err filled. */
static int chain_trouble_add(struct chain_loader *loader, const char *where, struct error *err)
{
    if (err->class != ERROR_LINK && err->class != ERROR_PROTOCOL && err->class != ERROR_PAUSE)
        return -1;
    if (mailchain_trouble_failed(&loader->troubles, where, clock_monotonic_ms(&loader->clock),
                                 loader->settings->poll_ms, (uint64_t)err->pause_s * 1000) < 0)
        return error_oom(err, "picking up from a Mailchain client");
    error_prefix(err, "%s", where);
    loader_host_log(&loader->host, LOADER_LOG_WARNING, "%s", err->text);
    loader->failed++;
    loader->why = *err;
    return 0;
}

/* What of the source was left out in this pass. */
static void chain_tell_trouble(const struct chain_loader *loader)
{
    struct error why = {0};
    if (loader->failed > 0)
        error_set(&why, loader->why.class == ERROR_NONE ? ERROR_LINK : loader->why.class,
                  "%zu of %zu networks and addresses are not picked up from, the others are; the "
                  "last: %.300s", loader->failed, loader->asked, loader->why.text);
    else if (loader->too_large > 0)
        error_set(&why, ERROR_CONFIG, "%" PRIu64 " messages are larger than maxAnswer (%" PRIu64
                  " bytes) and left at the client; raise maxAnswer", loader->too_large,
                  loader->settings->max_answer);
    else if (loader->broken > 0)
        error_set(&why, ERROR_PROTOCOL, "%" PRIu64 " messages" CHAIN_BROKEN, loader->broken);
    loader_host_trouble(&loader->host, why.class != ERROR_NONE ? &why : NULL);
}

/* The address and the network that the page belongs to; borrowed from the pass. */
static const struct mailchain_pair *chain_address(const struct chain_loader *loader)
{
    return &loader->addresses.items[loader->address - 1];
}

static const struct mailchain_pair *chain_network(const struct chain_loader *loader)
{
    return &loader->networks.items[loader->network - 1];
}

/* ---- The window ------------------------------------------------------------------------------ */

static int chain_note(const struct chain_loader *loader, const struct loader_record *record,
                      enum loader_step step, struct error *err)
{
    struct loader_record noted = *record;
    noted.step = step;
    return loader->read_only ? 0 : loader_host_note(&loader->host, &noted, 1, err);
}

/* Put the page's next message into the window, unless it is none that is wanted. */
static int chain_window_add(struct chain_loader *loader, size_t at, struct error *err)
{
    const char *account = chain_address(loader)->second;
    struct mailchain_message message;
    struct chain_slot *slot = &loader->window[loader->window_count];
    mailchain_page_message(loader->page, at, &message);
    if (!message.ok) {
        char status[120];
        text_printable(status, sizeof status, message.status.bytes, message.status.len);
        loader_host_log(&loader->host, LOADER_LOG_DEBUG, "%s of %s: a message is not ready: %s",
                        account, loader->mailbox, status);
    }
    int fresh = mailchain_mail_sight(&message, slot->key) < 0
                    ? -1
                    : mailchain_set_add(&loader->pass_keys, slot->key);
    if (fresh <= 0)
        return fresh < 0 ? error_oom(err, "picking up messages") : 0;
    loader->page_news = true;
    if (!message.ok)
        return 0;
    slot->at = at;
    slot->noted = false;
    slot->record =
        (struct loader_record){{.account = account, .mailbox = loader->mailbox, .key = slot->key},
                               .step = LOADER_STEP_UNKNOWN};
    AUTO_TEXT origin = chain_origin_text(&slot->record.origin);
    if (origin == NULL)
        return error_oom(err, "picking up messages");
    if (!mailchain_set_has(&loader->seen, origin))
        loader->window_count++;
    return 0;
}

/* Ask about them, and note that new ones will be tried: one flush for all. One that was tried
 * before is noted on its own (chain_offer), and is alone in hand, so that a crash counts against it
 * alone. */
static int chain_window_ask(struct chain_loader *loader, struct error *err)
{
    struct loader_record records[CHAIN_WINDOW], tried[CHAIN_WINDOW];
    size_t fresh = 0;
    for (size_t i = 0; i < loader->window_count; i++)
        records[i] = loader->window[i].record;
    if (loader_host_known(&loader->host, records, loader->window_count, err) < 0)
        return -1;
    for (size_t i = 0; i < loader->window_count; i++) {
        struct loader_record *record = &loader->window[i].record;
        *record = records[i];
        record->target = NULL; /* borrowed until the next call of the host */
        loader->found += record->step < LOADER_STEP_STORED ? 1 : 0;
        if (record->step == LOADER_STEP_UNKNOWN) {
            tried[fresh] = *record;
            tried[fresh++].step = LOADER_STEP_ATTEMPTED;
        }
    }
    loader_host_progress(&loader->host, loader->found);
    if (loader->read_only || fresh == 0)
        return 0;
    if (loader_host_note(&loader->host, tried, fresh, err) < 0)
        return -1;
    for (size_t i = 0; i < loader->window_count; i++)
        loader->window[i].noted = loader->window[i].record.step == LOADER_STEP_UNKNOWN;
    return 0;
}

/* From the page's end on: the oldest first. */
static int chain_begin_window(struct chain_loader *loader, struct error *err)
{
    chain_end_window(loader);
    while (loader->page_left > 0 && loader->window_count < CHAIN_WINDOW)
        if (chain_window_add(loader, --loader->page_left, err) < 0)
            return -1;
    return loader->window_count == 0 ? 0 : chain_window_ask(loader, err);
}

/* ---- Handing out -------------------------------------------------------------------------------
 */

/* The mail, its bytes and their digest into @parts. ERROR_MAIL: this one cannot be had. */
static int chain_make_mail(const struct chain_loader *loader, const struct buffer *bytes,
                           struct loader_item_parts *parts, struct error *err)
{
    const struct mail_options options = {.attach_html = loader->settings->attach_html,
                                         .sanitize = loader->settings->sanitize,
                                         .spool_dir = loader->host.spool_dir};
    const uint8_t *data = (const uint8_t *)buffer_text(bytes);
    AUTO(mail_parser) parser = mail_parser_new(&options);
    AUTO(spool) spool = NULL;
    if (parser == NULL)
        return error_oom(err, "reading a mail");
    if (spool_new(options.spool_dir, bytes->len, &spool, err) < 0 ||
        mail_parser_feed_spooled(parser, spool, data, bytes->len, err) < 0 ||
        spool_finish(spool, parts->sha256, err) < 0 ||
        mail_parser_finish(parser, &parts->mail, err) < 0)
        return -1;
    parts->spool = TAKE(spool);
    return 0;
}

static int chain_build(const struct chain_loader *loader, const struct chain_slot *slot,
                       struct loader_item_parts *parts, char date[CLOCK_RFC3339_MAX],
                       struct error *err)
{
    AUTO_DONE(buffer) bytes;
    struct mailchain_message message;
    const struct mailchain_mail_options options = {.protocol = chain_network(loader)->first,
                                                   .network = chain_network(loader)->second,
                                                   .address = chain_address(loader)->second,
                                                   .footer = loader->settings->footer,
                                                   .now_s = clock_unix_s(&loader->clock)};
    buffer_init(&bytes, CHAIN_MAIL_MAX);
    mailchain_page_message(loader->page, slot->at, &message);
    mailchain_mail_date(&message, date);
    parts->date_received = date[0] != '\0' ? date : NULL;
    parts->raw_size = message.body.len;
    if (mailchain_mail_build(&message, slot->key, &options, &bytes) < 0)
        return buffer_is_full(&bytes) ? error_set(err, ERROR_MAIL, "as a mail it would have more "
                                                  "than %zu bytes", CHAIN_MAIL_MAX)
                                      : error_oom(err, "making a mail");
    return chain_make_mail(loader, &bytes, parts, err);
}

static int chain_keep(struct chain_loader *loader, struct loader_item_parts *parts,
                      const struct loader_item **out_item, struct error *err)
{
    const struct loader_origin origin = {
        .account = parts->account, .mailbox = parts->mailbox, .key = parts->key};
    struct chain_item *item = calloc(1, sizeof *item);
    AUTO_TEXT text = chain_origin_text(&origin);
    if (item == NULL || text == NULL || mailchain_set_add(&loader->seen, text) < 0 ||
        loader_item_new(parts, &item->box, err) < 0) {
        chain_free_items(item);
        return error_oom(err, "handing out a message");
    }
    item->next = loader->items;
    loader->items = item;
    loader->left -= loader->limited ? 1 : 0;
    *out_item = loader_item_of(item->box);
    return 0;
}

enum chain_outcome { CHAIN_OFFERED, CHAIN_PASSED_OVER, CHAIN_WAITS, CHAIN_DRAINED, CHAIN_FAILED };

static bool chain_is_suspect(const struct chain_loader *loader, const struct loader_record *record)
{
    return !loader->read_only && record->step < LOADER_STEP_STORED && record->attempts > 0 &&
           record->attempts < CHAIN_ATTEMPTS_MAX;
}

/* One that was tried before is settled before the next is handed out, and waits for those before
 * it: what dies while it is in hand is its doing, and not that of its neighbours. */
static bool chain_waits(const struct chain_loader *loader, const struct chain_slot *slot)
{
    return loader->items != NULL && (loader->alone || chain_is_suspect(loader, &slot->record));
}

static enum chain_outcome chain_offer(struct chain_loader *loader, struct chain_slot *slot,
                                      const struct loader_item **out_item, struct error *err)
{
    struct loader_record *record = &slot->record;
    char date[CLOCK_RFC3339_MAX];
    struct error trouble = {0};
    if (record->step >= LOADER_STEP_STORED) /* in an earlier life, which ended before it said so */
        return record->step < LOADER_STEP_MOVED &&
                       chain_note(loader, record, LOADER_STEP_MOVED, err) < 0
                   ? CHAIN_FAILED
                   : CHAIN_PASSED_OVER;
    loader->alone = chain_is_suspect(loader, record);
    if (loader->alone && chain_note(loader, record, LOADER_STEP_ATTEMPTED, err) < 0)
        return CHAIN_FAILED;
    slot->noted = slot->noted || loader->alone;
    AUTO_DONE(loader_item_parts)
    parts = {.token = ++loader->last_token,
             .account = record->origin.account,
             .mailbox = record->origin.mailbox,
             .key = record->origin.key};
    if (record->attempts >= CHAIN_ATTEMPTS_MAX)
        error_set(&trouble, ERROR_MAIL,
                  "%u attempts to load message '%.100s' did not come to an end", record->attempts,
                  slot->key);
    else if (chain_build(loader, slot, &parts, date, &trouble) < 0 && trouble.class != ERROR_MAIL) {
        *err = trouble; /* not the message's fault: its attempt is taken back with the window's */
        return CHAIN_FAILED;
    }
    parts.error = trouble.class != ERROR_NONE ? trouble.text : NULL;
    if (chain_keep(loader, &parts, out_item, err) < 0)
        return CHAIN_FAILED;
    slot->noted = false;
    return CHAIN_OFFERED;
}

/* ---- The pass -------------------------------------------------------------------------------- */

/* What is not asked for at all is told each time: nobody would know. */
static void chain_tell_left_out(const struct chain_loader *loader, const char *of,
                                const struct mailchain_pairs *pairs)
{
    if (pairs->left_out > 0)
        loader_host_log(&loader->host, LOADER_LOG_WARNING, "%s: %zu are left out, as their names "
                        "are too long or hold spaces, '/' or control characters, or there are more "
                        "than %u of them", of, pairs->left_out,
                        pairs == &loader->networks ? MAILCHAIN_NETWORKS_MAX
                                                   : MAILCHAIN_ADDRESSES_MAX);
}

static int chain_begin_pass(struct chain_loader *loader, struct error *err)
{
    loader->found = loader->asked = loader->failed = 0;
    loader->too_large = loader->broken = 0;
    loader_host_progress(&loader->host, 0);
    if (mailchain_client_networks(loader->client, &loader->networks, err) < 0) {
        mailchain_pairs_done(&loader->networks);
        return -1;
    }
    chain_tell_left_out(loader, "networks", &loader->networks);
    loader->in_pass = true;
    return 0;
}

static int chain_next_network(struct chain_loader *loader, struct error *err)
{
    const struct mailchain_pair *network = &loader->networks.items[loader->network++];
    (void)snprintf(loader->mailbox, sizeof loader->mailbox, "%s.%s", network->first,
                   network->second);
    mailchain_pairs_done(&loader->addresses);
    loader->address = 0;
    if (chain_is_left_alone(loader, loader->mailbox)) {
        loader->asked++; /* one that answers is asked for by its addresses */
    } else if (mailchain_client_addresses(loader->client, network, &loader->addresses, err) == 0) {
        mailchain_trouble_over(&loader->troubles, loader->mailbox);
        chain_tell_left_out(loader, loader->mailbox, &loader->addresses);
    } else {
        loader->asked++;
        mailchain_pairs_done(&loader->addresses);
        return chain_trouble_add(loader, loader->mailbox, err);
    }
    return 0;
}

/* Those that a page began behind. */
static void chain_tell_over(struct chain_loader *loader, const char *where,
                            const struct mailchain_paging *before)
{
    uint64_t large = loader->paging.over - before->over;
    uint64_t broken = loader->paging.broken - before->broken;
    loader->too_large += large;
    loader->broken += broken;
    if (large > 0)
        loader_host_log(&loader->host, LOADER_LOG_WARNING, "%s: %" PRIu64 " messages are larger "
                        "than maxAnswer (%" PRIu64 " bytes) and left at the client", where, large,
                        loader->settings->max_answer);
    if (broken > 0)
        loader_host_log(&loader->host, LOADER_LOG_WARNING, "%s: %" PRIu64 " messages" CHAIN_BROKEN,
                        where, broken);
}

/* The next page of the address before loader->address. */
static int chain_fetch_page(struct chain_loader *loader, const char *where, struct error *err)
{
    const struct mailchain_paging before = loader->paging;
    int failed = mailchain_client_page(loader->client, chain_network(loader),
                                       chain_address(loader), &loader->paging, &loader->page, err);
    chain_tell_over(loader, where, &before);
    if (failed < 0)
        return chain_trouble_add(loader, where, err);
    loader->page_left = mailchain_page_count(loader->page);
    loader->page_news = false;
    mailchain_trouble_over(&loader->troubles, where);
    return 0;
}

static void chain_where(const struct chain_loader *loader, char out[CHAIN_WHERE_MAX])
{
    (void)snprintf(out, CHAIN_WHERE_MAX, "%s %s", loader->mailbox, chain_address(loader)->second);
}

static int chain_next_address(struct chain_loader *loader, struct error *err)
{
    char where[CHAIN_WHERE_MAX];
    loader->address++;
    loader->asked++;
    loader->paging = (struct mailchain_paging){.size = loader->settings->page};
    mailchain_set_clear(&loader->pass_keys);
    chain_where(loader, where);
    return chain_is_left_alone(loader, where) ? 0 : chain_fetch_page(loader, where, err);
}

/* Another page follows one that was full and brought something new: clients that know no pages give
 * all they have, again and again. */
static int chain_next_page(struct chain_loader *loader, struct error *err)
{
    char where[CHAIN_WHERE_MAX];
    size_t count = mailchain_page_count(loader->page);
    bool more = count == loader->paging.size && loader->page_news;
    chain_end_page(loader);
    if (!more)
        return 0;
    mailchain_paging_next(&loader->paging, count, loader->settings->page);
    chain_where(loader, where);
    return chain_fetch_page(loader, where, err);
}

static int chain_pass_ended(struct chain_loader *loader, struct error *err)
{
    bool all_failed = loader->failed > 0 && loader->failed >= loader->asked &&
                      loader->why.class != ERROR_NONE;
    chain_tell_trouble(loader);
    if (!all_failed)
        return 0;
    *err = loader->why;
    return -1;
}

/* One step: a message is offered or passed over, or what comes next is asked for. */
static enum chain_outcome chain_step(struct chain_loader *loader,
                                     const struct loader_item **out_item, struct error *err)
{
    int failed;
    if (loader_host_cancelled(&loader->host, err))
        return CHAIN_FAILED;
    if (loader->window_at < loader->window_count)
        return chain_waits(loader, &loader->window[loader->window_at])
                   ? CHAIN_WAITS
                   : chain_offer(loader, &loader->window[loader->window_at++], out_item, err);
    if (loader->page_left > 0)
        failed = chain_begin_window(loader, err);
    else if (loader->page != NULL)
        failed = chain_next_page(loader, err);
    else if (loader->address < loader->addresses.count)
        failed = chain_next_address(loader, err);
    else if (loader->network < loader->networks.count)
        failed = chain_next_network(loader, err);
    else
        return chain_pass_ended(loader, err) < 0 ? CHAIN_FAILED : CHAIN_DRAINED;
    return failed < 0 ? CHAIN_FAILED : CHAIN_PASSED_OVER;
}

/* ---- Settling ----------------------------------------------------------------------------------
 */

/* Out of the list, or NULL. */
static struct chain_item *chain_take_item(struct chain_loader *loader, uint64_t token)
{
    for (struct chain_item **at = &loader->items; *at != NULL; at = &(*at)->next) {
        struct chain_item *item = *at;
        if (loader_item_of(item->box)->token != token)
            continue;
        *at = item->next;
        item->next = NULL;
        return item;
    }
    return NULL;
}

/* Nothing is to be done at the client: that is written down, and from then on known() tells it. */
static int chain_settle_some(struct chain_loader *loader, const uint64_t *tokens, size_t count,
                             uint32_t fate, struct error *err)
{
    struct loader_record records[CHAIN_WINDOW];
    struct chain_item *taken = NULL;
    size_t settled = 0;
    for (size_t i = 0; i < count; i++) {
        struct chain_item *item = chain_take_item(loader, tokens[i]);
        if (item == NULL)
            continue; /* never handed out, or settled before */
        const struct loader_origin *origin = &loader_item_of(item->box)->origin;
        item->next = taken;
        taken = item;
        if (fate == LOADER_FATE_RELEASE) {
            chain_take_back(loader, origin);
            continue;
        }
        records[settled++] =
            (struct loader_record){*origin, .step = LOADER_STEP_MOVED, .fate = fate};
    }
    int failed = settled == 0 || loader->read_only
                     ? 0
                     : loader_host_note(&loader->host, records, settled, err);
    for (size_t i = 0; i < settled && failed == 0 && !loader->read_only; i++) {
        AUTO_TEXT text = chain_origin_text(&records[i].origin);
        if (text != NULL)
            mailchain_set_remove(&loader->seen, text);
    }
    chain_free_items(taken);
    return failed;
}

/* ---- Entry points: what the host calls ---------------------------------------------------------
 */

static int chain_entry_open(const struct loader_host *host, const struct loader_settings *settings,
                            void **out_handle, struct loader_error *out_err)
{
    struct chain_loader *loader;
    struct error err = {0};
    if (chain_loader_open(host, settings, &loader, &err) < 0)
        return loader_error_from(&err, out_err);
    *out_handle = loader;
    return 0;
}

static enum loader_next chain_entry_next(void *handle, const struct loader_item **out_item,
                                         struct loader_error *out_err)
{
    struct chain_loader *loader = handle;
    struct error err = {0};
    enum chain_outcome outcome = CHAIN_PASSED_OVER;
    if (loader->told) { /* the host has settled them, and asks again: no second pass for that */
        loader->told = false;
        return LOADER_NEXT_DRAINED;
    }
    if (!loader->in_pass && chain_begin_pass(loader, &err) < 0)
        outcome = CHAIN_FAILED;
    while (outcome == CHAIN_PASSED_OVER)
        outcome = loader->limited && loader->left == 0 ? CHAIN_DRAINED
                                                       : chain_step(loader, out_item, &err);
    if (outcome == CHAIN_OFFERED)
        return LOADER_NEXT_ITEM;
    if (outcome == CHAIN_WAITS)
        return LOADER_NEXT_DRAINED;
    chain_end_pass(loader);
    loader->told = outcome == CHAIN_DRAINED && loader->items != NULL;
    if (outcome == CHAIN_DRAINED)
        return LOADER_NEXT_DRAINED;
    (void)loader_error_from(&err, out_err);
    return LOADER_NEXT_FAILED;
}

static int chain_entry_settle(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                              struct loader_error *out_err)
{
    struct error err = {0};
    for (uint64_t at = 0; at < count; at += CHAIN_WINDOW) {
        uint64_t left = count - at;
        if (chain_settle_some(handle, tokens + at,
                              left < CHAIN_WINDOW ? (size_t)left : CHAIN_WINDOW, fate, &err) < 0)
            return loader_error_from(&err, out_err);
    }
    return 0;
}

static void chain_entry_close(void *handle)
{
    chain_loader_free(handle);
}

static int chain_entry_wait(void *handle, struct loader_wait *out_wait,
                            struct loader_error *out_err)
{
    const struct chain_loader *loader = handle;
    uint64_t now_ms = clock_monotonic_ms(&loader->clock);
    (void)out_err;
    out_wait->fd = -1;
    out_wait->events = 0;
    out_wait->timeout_ms =
        loader->pass_due_ms > now_ms ? (uint32_t)(loader->pass_due_ms - now_ms) : 0;
    return 0;
}

static int chain_entry_parse(const struct loader_host *host, const struct loader_settings *settings,
                             int32_t fd, const struct loader_sink *sink, void **out_handle,
                             const struct loader_item **out_item, struct loader_error *out_err)
{
    AUTO(chain_loader) loader = NULL;
    struct error err = {0};
    if (chain_loader_new(host, settings, &loader, &err) < 0)
        return loader_error_from(&err, out_err);
    const struct mail_options options = {.attach_html = loader->settings->attach_html,
                                         .sanitize = loader->settings->sanitize};
    if (loader_parse(&loader->host, &options, fd, sink, &loader->parsed, &err) < 0)
        return loader_error_from(&err, out_err);
    *out_item = loader_item_of(loader->parsed);
    *out_handle = TAKE(loader);
    return 0;
}

static int chain_entry_check(const struct loader_host *host, const struct loader_settings *settings,
                             void (*report)(void *context, const char *step, uint32_t state,
                                            const char *text),
                             void *report_context, struct loader_error *out_err)
{
    AUTO(chain_loader) loader = NULL;
    struct error err = {0};
    if (chain_loader_open(host, settings, &loader, &err) < 0) {
        if (report != NULL)
            report(report_context, "settings", LOADER_CHECK_FAILED, err.text);
        return loader_error_from(&err, out_err);
    }
    return mailchain_check(loader->client, loader->settings, report, report_context, &err) == 0
               ? 0
               : loader_error_from(&err, out_err);
}

/* ---- The table ---------------------------------------------------------------------------------
 */

static struct loader_option chain_options[CONNECTION_KEYS_MAX];
static struct loader_plugin chain_plugin = {
    LOADER_PLUGIN_HEAD,
    .name = "Mailchain",
    .version = PACKAGE_VERSION,
    .summary = "messages from a Mailchain client",
    .options = chain_options,
    .open = chain_entry_open,
    .next = chain_entry_next,
    .settle = chain_entry_settle,
    .close = chain_entry_close,
    .wait = chain_entry_wait,
    .parse = chain_entry_parse,
    .check = chain_entry_check,
};

/* Runs when the plug-in is loaded, before anybody can look; constant from then on. */
__attribute__((constructor)) static void chain_entry_describe(void)
{
    size_t count;
    const struct connection_key *keys = mailchain_settings_keys(&count);
    chain_plugin.option_count =
        loader_options_from(keys, count, chain_options, CONNECTION_KEYS_MAX);
}

const struct loader_plugin *mailchute_loader_plugin(void)
{
    return &chain_plugin;
}
