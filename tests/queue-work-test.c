/* SPDX-License-Identifier: Apache-2.0 */
/* queue-work-test.c - states, leases and fences, and the ledger, of every back end alike. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "queue-fixture.h"

static struct queue_fixture f;

static void teardown(void)
{
    queue_fixture_done(&f);
}

#define START() queue_fixture_init(&f, _i)

/* ---- Working --------------------------------------------------------------------------------- */

/* The UID of the entry that is taken, 0 for none; its fence and id are kept. */
static uint64_t fence;
static char taken_id[QUEUE_ID_TEXT];
static uint32_t take(const char *queue_name, uint32_t lease_s)
{
    AUTO(queue_entry) entry = NULL;
    ck_well(&f, queue_take(f.queue, queue_name, lease_s, &entry, &f.err));
    if (entry == NULL)
        return 0;
    ck_assert_int_eq(entry->state, QUEUE_TAKEN);
    ck_assert_int_eq(entry->lease_until_s, f.now_s + lease_s);
    ck_assert_str_eq(entry->content, "{\"subject\":\"hello\"}");
    fence = entry->fence;
    memcpy(taken_id, entry->id, sizeof taken_id);
    return entry->uid;
}

static struct queue_entry *get(uint32_t uid)
{
    char id[QUEUE_ID_TEXT];
    struct queue_entry *entry = NULL;
    queue_fixture_id(uid, id);
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    return entry;
}

static enum queue_state state(uint32_t uid)
{
    AUTO(queue_entry) entry = get(uid);
    return entry->state;
}

START_TEST(entries_are_taken_oldest_first_and_each_once)
{
    START();
    queue_fixture_add(&f, 1, 3);
    ck_assert_uint_eq(take(NULL, 60), 1);
    ck_assert_uint_eq(take("default", 60), 2);
    ck_assert_uint_eq(take("another", 60), 0);
    ck_assert_uint_eq(take(NULL, 60), 3);
    ck_assert_uint_eq(take(NULL, 60), 0);
}
END_TEST

START_TEST(the_oldest_of_all_queues_is_taken_where_none_is_named)
{
    START();
    static const char *const queues[] = {"b", "a", "c", "a"};
    for (uint32_t uid = 1; uid <= 4; uid++) {
        struct queue_item item = queue_fixture_item(uid);
        item.queue = queues[uid - 1];
        ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    }
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_uint_eq(take("a", 60), 2);
    for (uint32_t uid = 1; uid <= 4; uid++)
        if (uid != 2)
            ck_assert_uint_eq(take(NULL, 60), uid);
}
END_TEST

START_TEST(a_lease_that_ran_out_goes_to_the_next_with_a_higher_fence)
{
    START();
    queue_fixture_add(&f, 1, 2);
    ck_assert_uint_eq(take(NULL, 60), 1);
    uint64_t old = fence;
    f.now_s += 59;
    ck_assert_uint_eq(take(NULL, 5), 2);
    f.now_s += 1;
    ck_assert_uint_eq(take(NULL, 60), 1);
    ck_assert_uint_gt(fence, old);
    AUTO(queue_entry) entry = get(1);
    ck_assert_uint_eq(entry->attempts, 2);
    ck_assert_int_eq(queue_done(f.queue, taken_id, old, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_USAGE);
    ck_assert_int_eq(queue_fail(f.queue, taken_id, old, "late", &f.err), -1);
    ck_assert_int_eq(state(1), QUEUE_TAKEN);
    ck_well(&f, queue_done(f.queue, taken_id, fence, &f.err));
    ck_assert_int_eq(state(1), QUEUE_DONE);
}
END_TEST

START_TEST(of_leases_that_ran_out_the_one_that_ended_first_goes_before_the_new)
{
    START();
    queue_fixture_add(&f, 1, 4);
    ck_assert_uint_eq(take(NULL, 90), 1);
    ck_assert_uint_eq(take(NULL, 30), 2);
    ck_assert_uint_eq(take(NULL, 60), 3);
    f.now_s += 100;
    ck_assert_uint_eq(take(NULL, 600), 2);
    ck_assert_uint_eq(take(NULL, 600), 3);
    ck_assert_uint_eq(take(NULL, 600), 1);
    ck_assert_uint_eq(take(NULL, 600), 4);
    ck_assert_uint_eq(take(NULL, 600), 0);
}
END_TEST

START_TEST(a_lease_that_ran_out_and_went_to_nobody_may_still_be_ended)
{
    START();
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(take(NULL, 60), 1);
    f.now_s += 3600;
    ck_well(&f, queue_done(f.queue, taken_id, fence, &f.err));
    ck_assert_uint_eq(take(NULL, 60), 0);
}
END_TEST

START_TEST(a_failed_entry_keeps_its_reason_until_it_is_taken_again)
{
    START();
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(take(NULL, 60), 1);
    ck_assert_int_eq(queue_fail(f.queue, taken_id, fence, "", &f.err), -1);
    ck_well(&f, queue_fail(f.queue, taken_id, fence, "no invoice number", &f.err));
    AUTO(queue_entry) failed = get(1);
    ck_assert_int_eq(failed->state, QUEUE_FAILED);
    ck_assert_int_eq(failed->lease_until_s, 0);
    ck_assert_str_eq(failed->error, "no invoice number");
    ck_assert_uint_eq(take(NULL, 60), 0);
    ck_well(&f, queue_retry(f.queue, failed->id, &f.err));
    AUTO(queue_entry) fresh = get(1);
    ck_assert_int_eq(fresh->state, QUEUE_NEW);
    ck_assert_str_eq(fresh->error, "no invoice number");
    ck_assert_uint_eq(take(NULL, 60), 1);
    AUTO(queue_entry) again = get(1);
    ck_assert_ptr_null(again->error);
    ck_assert_uint_eq(again->attempts, 2);
}
END_TEST

/* Bring entry 1 into a state of its own. */
static void bring_to(enum queue_state wanted)
{
    struct queue_item item = queue_fixture_item(1);
    item.error = wanted == QUEUE_BAD ? "broken" : NULL;
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    if (wanted == QUEUE_NEW || wanted == QUEUE_BAD)
        return;
    ck_assert_uint_eq(take(NULL, 60), 1);
    if (wanted == QUEUE_DONE)
        ck_well(&f, queue_done(f.queue, taken_id, 0, &f.err));
    if (wanted == QUEUE_FAILED)
        ck_well(&f, queue_fail(f.queue, taken_id, 0, "why", &f.err));
}

/* From each state: may it be taken, done, failed, tried again? */
static const struct move_row {
    bool take, done, fail, retry;
} move_rows[] = {
    [QUEUE_NEW] = {true, false, false, false},   [QUEUE_TAKEN] = {false, true, true, false},
    [QUEUE_DONE] = {false, false, false, false}, [QUEUE_FAILED] = {false, false, false, true},
    [QUEUE_BAD] = {false, false, false, true},
};

static bool try_move(unsigned move, const char *id)
{
    switch (move) {
    case 0:
        return take(NULL, 60) == 1;
    case 1:
        return queue_done(f.queue, id, 0, &f.err) == 0;
    case 2:
        return queue_fail(f.queue, id, 0, "why", &f.err) == 0;
    default:
        return queue_retry(f.queue, id, &f.err) == 0;
    }
}

START_TEST(no_entry_moves_where_its_state_does_not_lead)
{
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(1, id);
    for (unsigned from = QUEUE_NEW; from <= QUEUE_BAD; from++) {
        for (unsigned move = 0; move < 4; move++) {
            if (f.queue != NULL)
                queue_fixture_done(&f);
            START();
            bring_to((enum queue_state)from);
            const struct move_row *row = &move_rows[from];
            bool may[4] = {row->take, row->done, row->fail, row->retry};
            ck_assert_msg(try_move(move, id) == may[move], "from %u by %u", from, move);
            if (!may[move]) {
                ck_assert_int_eq(state(1), (enum queue_state)from);
                if (move != 0)
                    ck_assert_int_eq(f.err.class, ERROR_USAGE);
            }
        }
    }
}
END_TEST

START_TEST(no_state_changes_inside_an_open_batch)
{
    START();
    bring_to(QUEUE_TAKEN);
    struct queue_item item = queue_fixture_item(2);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    struct queue_entry *entry = NULL;
    ck_assert_int_eq(queue_take(f.queue, NULL, 60, &entry, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
    ck_assert_int_eq(queue_done(f.queue, taken_id, 0, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_int_eq(state(1), QUEUE_TAKEN);
    ck_assert_int_eq(state(2), QUEUE_NEW);
}
END_TEST

START_TEST(stats_follow_each_move)
{
    START();
    queue_fixture_add(&f, 1, 4);
    ck_assert_uint_eq(take(NULL, 60), 1);
    ck_well(&f, queue_done(f.queue, taken_id, fence, &f.err));
    ck_assert_uint_eq(take(NULL, 60), 2);
    ck_well(&f, queue_fail(f.queue, taken_id, fence, "why", &f.err));
    ck_assert_uint_eq(take(NULL, 60), 3);
    struct queue_stats stats;
    ck_well(&f, queue_stats(f.queue, "default", &stats, &f.err));
    for (unsigned at = QUEUE_NEW; at <= QUEUE_FAILED; at++)
        ck_assert_uint_eq(stats.by_state[at], 1);
    ck_assert_uint_eq(stats.raw_bytes, 4 * queue_fixture_item(1).raw_size);
}
END_TEST

/* ---- Ledger ---------------------------------------------------------------------------------- */

START_TEST(a_stranger_is_unknown_and_an_entry_is_stored)
{
    START();
    queue_fixture_add(&f, 1, 1);
    struct queue_record record = queue_fixture_record(&f, 1);
    ck_assert_int_eq(record.step, QUEUE_STEP_STORED);
    ck_assert_uint_eq(record.attempts, 0);
    ck_assert_uint_eq(record.fate, QUEUE_FATE_QUEUED);
    record = queue_fixture_record(&f, 2);
    ck_assert_int_eq(record.step, QUEUE_STEP_UNKNOWN);
    ck_assert_uint_eq(record.attempts, 0);
    ck_assert_ptr_null(record.target);
}
END_TEST

START_TEST(attempts_only_rise_and_lower_no_later_step)
{
    START();
    for (uint32_t i = 1; i <= 3; i++) {
        queue_fixture_note(&f, 1, QUEUE_STEP_ATTEMPTED);
        struct queue_record record = queue_fixture_record(&f, 1);
        ck_assert_uint_eq(record.attempts, i);
        ck_assert_int_eq(record.step, QUEUE_STEP_ATTEMPTED);
        ck_assert_ptr_null(record.target);
    }
    queue_fixture_add(&f, 1, 1);
    ck_assert_uint_eq(queue_fixture_record(&f, 1).attempts, 3);
    queue_fixture_note(&f, 1, QUEUE_STEP_COPIED);
    queue_fixture_note(&f, 1, QUEUE_STEP_ATTEMPTED);
    struct queue_record record = queue_fixture_record(&f, 1);
    ck_assert_uint_eq(record.attempts, 4);
    ck_assert_int_eq(record.step, QUEUE_STEP_COPIED);
    ck_assert_str_eq(record.target, "DROPBOX");
    ck_assert_uint_eq(record.target_uid, 40);
    const struct queue_record attempt = {.origin = queue_fixture_item(1).origin,
                                         .step = QUEUE_STEP_ATTEMPTED};
    const struct queue_record twice[] = {attempt, attempt};
    ck_well(&f, queue_note(f.queue, twice, 2, &f.err));
    ck_assert_uint_eq(queue_fixture_record(&f, 1).attempts, 6);
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_COPIED);
}
END_TEST

START_TEST(a_step_is_kept_as_it_is_told_and_the_fate_stays)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    item.error = "broken";
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    for (unsigned step = QUEUE_STEP_MOVED; step >= QUEUE_STEP_STORED; step--) {
        queue_fixture_note(&f, 1, (enum queue_step)step);
        struct queue_record record = queue_fixture_record(&f, 1);
        ck_assert_int_eq(record.step, (enum queue_step)step);
        ck_assert_uint_eq(record.fate, QUEUE_FATE_BAD);
        ck_assert_str_eq(record.target, "DROPBOX");
        ck_assert_uint_eq(record.target_uidvalidity, 3);
        ck_assert_uint_eq(record.target_uid, 40);
    }
}
END_TEST

START_TEST(a_step_of_a_stranger_makes_a_row_that_is_no_entry)
{
    START();
    queue_fixture_note(&f, 1, QUEUE_STEP_MOVED);
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_MOVED);
    ck_assert_uint_eq(queue_fixture_count(&f), 0);
    queue_fixture_add(&f, 1, 1); /* it came again after all: to be stored and moved */
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_STORED);
}
END_TEST

START_TEST(a_step_is_not_noted_inside_an_open_batch_nor_one_that_does_not_exist)
{
    START();
    struct queue_record record = {.origin = queue_fixture_item(1).origin,
                                  .step = QUEUE_STEP_MOVING};
    struct queue_item item = queue_fixture_item(2);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_note(f.queue, &record, 1, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_uint_eq(queue_fixture_count(&f), 1);
    record.step = (enum queue_step)(QUEUE_STEP_MOVED + 1);
    ck_assert_int_eq(queue_note(f.queue, &record, 1, &f.err), -1);
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_UNKNOWN);
}
END_TEST

START_TEST(an_attempt_that_was_not_the_messages_fault_is_taken_back)
{
    START();
    struct queue_record record = {.origin = queue_fixture_item(1).origin};
    static const enum queue_step steps[] = {QUEUE_STEP_ATTEMPTED, QUEUE_STEP_ATTEMPTED,
                                            QUEUE_STEP_UNKNOWN, QUEUE_STEP_UNKNOWN,
                                            QUEUE_STEP_UNKNOWN, QUEUE_STEP_STORED,
                                            QUEUE_STEP_UNKNOWN};
    static const uint32_t attempts[] = {1, 2, 1, 0, 0, 0, 0};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        record.step = steps[i];
        ck_assert_int_eq(queue_note(f.queue, &record, 1, &f.err), 0);
        ck_assert_uint_eq(queue_fixture_record(&f, 1).attempts, attempts[i]);
    }
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_STORED);
}
END_TEST

START_TEST(many_records_are_known_and_noted_at_once)
{
    START();
    enum { MANY = 700 };
    static struct queue_record records[MANY];
    queue_fixture_add(&f, 1, MANY / 2);
    for (uint32_t i = 0; i < MANY; i++)
        records[i] = (struct queue_record){.origin = queue_fixture_item(i + 1).origin};
    ck_well(&f, queue_known(f.queue, records, MANY, &f.err));
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(records[i].step, i < MANY / 2 ? QUEUE_STEP_STORED : QUEUE_STEP_UNKNOWN);
        records[i].step = QUEUE_STEP_MOVING;
        records[i].target = i % 2 == 0 ? "DROPBOX" : "BADMAIL";
        records[i].target_uid = i;
    }
    ck_well(&f, queue_note(f.queue, records, MANY, &f.err));
    ck_well(&f, queue_known(f.queue, records, MANY, &f.err));
    for (uint32_t i = 0; i < MANY; i++) {
        ck_assert_int_eq(records[i].step, QUEUE_STEP_MOVING);
        ck_assert_str_eq(records[i].target, i % 2 == 0 ? "DROPBOX" : "BADMAIL");
        ck_assert_uint_eq(records[i].target_uid, i);
    }
}
END_TEST

/* What is unsettled behind message @uid of epoch @uidvalidity (0: from the start), as "7:1 7:2". */
static const char *unsettled(uint32_t uidvalidity, uint32_t uid, size_t capacity)
{
    static char text[512];
    struct queue_record records[32];
    size_t count = 99, len = 0;
    const struct queue_origin after = {"IMAP",      "ann@mail.example.org", "INBOX",
                                       uidvalidity, uid,                    NULL};
    ck_well(&f, queue_unsettled(f.queue, "IMAP", "ann@mail.example.org", "INBOX",
                                uid == 0 ? NULL : &after, records, capacity, &count, &f.err));
    ck_assert_uint_le(count, capacity);
    text[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        ck_assert_str_eq(records[i].origin.mailbox, "INBOX");
        ck_assert_str_eq(records[i].origin.account, "ann@mail.example.org");
        len += (size_t)snprintf(text + len, sizeof text - len, "%s%u:%u", i == 0 ? "" : " ",
                                records[i].origin.uidvalidity, records[i].origin.uid);
    }
    return text;
}

START_TEST(what_is_stored_but_not_moved_is_unsettled_in_the_order_of_uids)
{
    START();
    static const uint32_t uids[] = {9, 3, 10, 1, 2, 4, 5, 6};
    for (size_t i = 0; i < 6; i++)
        queue_fixture_add(&f, uids[i], uids[i]);
    queue_fixture_note(&f, 1, QUEUE_STEP_MOVED);
    queue_fixture_note(&f, 2, QUEUE_STEP_MOVING);
    queue_fixture_note(&f, 3, QUEUE_STEP_COPIED);
    queue_fixture_note(&f, 4, QUEUE_STEP_DELETING);
    queue_fixture_note(&f, 5, QUEUE_STEP_ATTEMPTED);
    struct queue_item other = queue_fixture_item(7);
    other.origin.mailbox = "Other";
    ck_assert_int_eq(queue_put(f.queue, &other, &f.err), QUEUE_PUT_ADDED);
    other = queue_fixture_item(1);
    other.origin.uidvalidity = 6;
    ck_assert_int_eq(queue_put(f.queue, &other, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    other.origin.uidvalidity = 8;
    ck_assert_int_eq(queue_put(f.queue, &other, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_assert_str_eq(unsettled(0, 0, 32), "6:1 7:2 7:3 7:4 7:9 7:10 8:1");
    ck_assert_str_eq(unsettled(7, 3, 32), "7:4 7:9 7:10 8:1");
    ck_assert_str_eq(unsettled(7, 3, 2), "7:4 7:9");
    ck_assert_str_eq(unsettled(6, 40, 2), "7:2 7:3");
    ck_assert_str_eq(unsettled(7, 10, 32), "8:1");
    ck_assert_str_eq(unsettled(8, 1, 32), "");
    ck_assert_str_eq(unsettled(0, 0, 0), "");
}
END_TEST

/* All of ann's ledger in pages of @capacity: "INBOX/7:1=2 ..." in the order of pages. */
static const char *ledger(size_t capacity)
{
    static char text[1024];
    struct queue_record records[8];
    size_t count, len = 0;
    const struct queue_origin *after = NULL;
    text[0] = '\0';
    do {
        ck_well(&f, queue_ledger(f.queue, "imap", "ann@mail.example.org", after, records, capacity,
                                 &count, &f.err));
        for (size_t i = 0; i < count; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s/%u:%u=%d",
                                    len == 0 ? "" : " ", records[i].origin.mailbox,
                                    records[i].origin.uidvalidity, records[i].origin.uid,
                                    (int)records[i].step);
        after = &records[count > 0 ? count - 1 : 0].origin; /* the queue's until the next call */
    } while (count == capacity && count > 0);
    return text;
}

START_TEST(the_ledger_of_an_account_is_paged_across_mailboxes_and_epochs)
{
    START();
    static const struct {
        const char *account, *mailbox;
        uint32_t uidvalidity, uid;
    } rows[] = {{"ann@mail.example.org", "INBOX", 7, 2}, {"ann@mail.example.org", "INBOX", 9, 1},
                {"bob@mail.example.org", "INBOX", 7, 1}, {"ann@mail.example.org", "INBOX", 7, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct queue_item item = queue_fixture_item(rows[i].uid);
        item.origin.account = rows[i].account;
        item.origin.mailbox = rows[i].mailbox;
        item.origin.uidvalidity = rows[i].uidvalidity;
        ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    }
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    queue_fixture_note(&f, 2, QUEUE_STEP_MOVED);
    static const char want[] = "INBOX/7:1=2 INBOX/7:2=6 INBOX/9:1=2";
    for (size_t capacity = 1; capacity <= 4; capacity++)
        ck_assert_str_eq(ledger(capacity), want);
    struct queue_item item = queue_fixture_item(1);
    item.origin.mailbox = "Sales";
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    for (size_t capacity = 1; capacity <= 5; capacity++) {
        const char *got = ledger(capacity); /* which mailbox comes first is the queue's affair */
        ck_assert_msg(strcmp(got, "INBOX/7:1=2 INBOX/7:2=6 INBOX/9:1=2 Sales/7:1=2") == 0 ||
                          strcmp(got, "Sales/7:1=2 INBOX/7:1=2 INBOX/7:2=6 INBOX/9:1=2") == 0,
                      "%s", got);
    }
}
END_TEST

START_TEST(messages_without_uids_are_unsettled_by_their_keys)
{
    START();
    struct queue_record records[4];
    size_t count;
    static const char *const keys[] = {"b.eml", "a.eml", "c.eml"};
    for (size_t i = 0; i < 3; i++) {
        struct queue_item item = queue_fixture_item(0);
        item.origin.key = keys[i];
        ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    }
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
    ck_well(&f, queue_unsettled(f.queue, "IMAP", "ann@mail.example.org", "INBOX", NULL, records, 4,
                                &count, &f.err));
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(records[0].origin.key, "a.eml");
    ck_assert_str_eq(records[1].origin.key, "b.eml");
    ck_assert_str_eq(records[2].origin.key, "c.eml");
    ck_well(&f, queue_unsettled(f.queue, "IMAP", "ann@mail.example.org", "INBOX",
                                &records[0].origin, records, 4, &count, &f.err));
    ck_assert_uint_eq(count, 2);
    ck_assert_str_eq(records[0].origin.key, "b.eml");
}
END_TEST

static Suite *suite(void)
{
    const TTest *const kind_tests[] = {
        entries_are_taken_oldest_first_and_each_once,
        the_oldest_of_all_queues_is_taken_where_none_is_named,
        a_lease_that_ran_out_goes_to_the_next_with_a_higher_fence,
        of_leases_that_ran_out_the_one_that_ended_first_goes_before_the_new,
        a_lease_that_ran_out_and_went_to_nobody_may_still_be_ended,
        a_failed_entry_keeps_its_reason_until_it_is_taken_again,
        no_entry_moves_where_its_state_does_not_lead,
        no_state_changes_inside_an_open_batch,
        stats_follow_each_move,
        a_stranger_is_unknown_and_an_entry_is_stored,
        attempts_only_rise_and_lower_no_later_step,
        a_step_is_kept_as_it_is_told_and_the_fate_stays,
        a_step_of_a_stranger_makes_a_row_that_is_no_entry,
        a_step_is_not_noted_inside_an_open_batch_nor_one_that_does_not_exist,
        an_attempt_that_was_not_the_messages_fault_is_taken_back,
        many_records_are_known_and_noted_at_once,
        what_is_stored_but_not_moved_is_unsettled_in_the_order_of_uids,
        messages_without_uids_are_unsettled_by_their_keys,
        the_ledger_of_an_account_is_paged_across_mailboxes_and_epochs,
    };
    Suite *s = suite_create("queue work");
    TCase *kinds = tcase_create("back ends");
    tcase_add_checked_fixture(kinds, NULL, teardown);
    for (size_t i = 0; i < sizeof kind_tests / sizeof kind_tests[0]; i++)
        tcase_add_loop_test(kinds, kind_tests[i], 0, QUEUE_FIXTURE_KINDS);
    suite_add_tcase(s, kinds);
    return s;
}

CHECK_MAIN(suite)
