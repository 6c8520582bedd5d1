/* SPDX-License-Identifier: Apache-2.0 */
/* queue-mailbox-test.c - what stored messages are known by, what is known of a mailbox, and
 * messages that come under another name: over every back end alike. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "queue-fixture.h"
#include "text.h"

#define ANN "IMAP", "ann@mail.example.org", "INBOX"

static struct queue_fixture f;

static void teardown(void)
{
    queue_fixture_done(&f);
}

#define START() queue_fixture_init(&f, _i)

static struct queue_evidence evidence_of(uint32_t uidvalidity, uint32_t uid)
{
    struct queue_evidence item = {.origin = queue_fixture_item(uid).origin};
    item.origin.uidvalidity = uidvalidity;
    ck_well(&f, queue_evidence(f.queue, &item, 1, &f.err));
    return item;
}

static size_t like(uint64_t size, struct queue_evidence *out, size_t capacity)
{
    size_t count;
    ck_well(&f, queue_settled_like(f.queue, ANN, size, out, capacity, &count, &f.err));
    return count;
}

static void put(struct queue_item item)
{
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(f.queue, &f.err), QUEUE_COMMITTED);
}

START_TEST(what_a_message_is_known_by_is_stored_with_its_entry)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    item.message_id = "one@example.org";
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    queue_rollback(f.queue);
    ck_assert_int_eq(evidence_of(7, 1).step, QUEUE_STEP_UNKNOWN);
    put(item);
    if (f.keeps)
        queue_fixture_reopen(&f);
    struct queue_evidence known = evidence_of(7, 1);
    ck_assert_int_eq(known.step, QUEUE_STEP_STORED);
    ck_assert(known.has_digest);
    ck_assert_uint_eq(known.size, item.raw_size);
    ck_assert_uint_eq(known.message_id, text_fingerprint("one@example.org"));
    ck_assert_mem_eq(known.sha256, item.raw_sha256, QUEUE_DIGEST_SIZE);
    queue_fixture_note(&f, 1, QUEUE_STEP_MOVED);
    ck_assert_int_eq(evidence_of(7, 1).step, QUEUE_STEP_MOVED);
    ck_assert_uint_eq(evidence_of(7, 1).size, item.raw_size);
}
END_TEST

START_TEST(a_message_without_raw_bytes_or_entry_is_known_by_less)
{
    START();
    struct queue_item item = queue_fixture_item(1);
    item.raw_bytes = NULL;
    item.raw_size = 5000;
    item.error = "too large";
    put(item);
    ck_assert(!evidence_of(7, 1).has_digest);
    ck_assert_uint_eq(evidence_of(7, 1).size, 5000);
    ck_assert_uint_eq(evidence_of(7, 1).message_id, 0);
    queue_fixture_note(&f, 2, QUEUE_STEP_ATTEMPTED);
    ck_assert_int_eq(evidence_of(7, 2).step, QUEUE_STEP_UNKNOWN);
}
END_TEST

START_TEST(settled_messages_of_one_size_are_found_the_newest_first_for_ninety_days)
{
    START();
    struct queue_evidence found[4];
    struct queue_item other = queue_fixture_item(9);
    uint64_t size = other.raw_size;
    other.origin.mailbox = "Other";
    put(other);
    queue_fixture_add(&f, 1, 3);
    ck_assert_uint_eq(like(size, found, 4), 0); /* stored, not settled */
    for (uint32_t uid = 1; uid <= 3; uid++)
        queue_fixture_note(&f, uid, QUEUE_STEP_MOVED);
    ck_assert_uint_eq(like(size, found, 4), 3);
    ck_assert_uint_eq(found[0].origin.uid, 3);
    ck_assert_uint_eq(found[2].origin.uid, 1);
    ck_assert_uint_eq(found[0].origin.uidvalidity, 7);
    ck_assert_mem_eq(found[0].sha256, other.raw_sha256, QUEUE_DIGEST_SIZE);
    ck_assert_uint_eq(like(size, found, 2), 2);
    ck_assert_uint_eq(like(size + 1, found, 4), 0);
    f.now_s += QUEUE_EVIDENCE_DAYS * INT64_C(86400);
    ck_assert_uint_eq(like(size, found, 4), 3);
    f.now_s++;
    ck_assert_uint_eq(like(size, found, 4), 0);
}
END_TEST

/* Is there one so much like message @item, above @above of 7 left aside? */
static bool seen(const struct queue_item *item, const char *message_id, uint64_t size,
                 enum queue_likeness likeness, uint32_t above)
{
    struct queue_lookalike look = {
        .size = size, .message_id = text_fingerprint(message_id), .likeness = likeness};
    memcpy(look.sha256, item->raw_sha256, sizeof look.sha256);
    ck_well(&f, queue_lookalikes(f.queue, ANN, 7, above, &look, 1, &f.err));
    return look.found != 0;
}

START_TEST(a_message_that_was_settled_is_known_by_size_then_message_id_then_digest)
{
    START();
    struct queue_item item = queue_fixture_item(5), other = queue_fixture_item(5);
    item.message_id = "one@example.org";
    other.raw_sha256[0] ^= 1;
    put(item);
    ck_assert(!seen(&item, "one@example.org", item.raw_size, QUEUE_LIKENESS_SIZE, 99));
    queue_fixture_note(&f, 5, QUEUE_STEP_MOVED);
    if (f.keeps)
        queue_fixture_reopen(&f);
    static const struct {
        const char *message_id;
        uint64_t more;
        enum queue_likeness likeness;
        uint32_t above;
        bool same_digest, found;
    } rows[] = {
        {"two@example.org", 0, QUEUE_LIKENESS_SIZE, 5, false, true},
        {"two@example.org", 1, QUEUE_LIKENESS_SIZE, 5, false, false},
        {"two@example.org", 0, QUEUE_LIKENESS_SIZE, 4, false, false},
        {"one@example.org", 0, QUEUE_LIKENESS_MESSAGE_ID, 5, false, true},
        {"one@example.org", 0, QUEUE_LIKENESS_MESSAGE_ID, 4, false, false},
        {"two@example.org", 0, QUEUE_LIKENESS_MESSAGE_ID, 5, true, false},
        {"one@example.org", 0, QUEUE_LIKENESS_SHA256, 5, true, true},
        {"one@example.org", 0, QUEUE_LIKENESS_SHA256, 5, false, false},
        {"one@example.org", 0, QUEUE_LIKENESS_SHA256, 4, true, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(seen(rows[i].same_digest ? &item : &other, rows[i].message_id,
                           item.raw_size + rows[i].more, rows[i].likeness,
                           rows[i].above) == rows[i].found,
                      "row %zu", i);
    f.now_s += QUEUE_EVIDENCE_DAYS * INT64_C(86400) + 1;
    ck_assert(!seen(&item, "one@example.org", item.raw_size, QUEUE_LIKENESS_SIZE, 99));
}
END_TEST

START_TEST(one_of_which_no_message_id_is_known_may_be_any_of_its_size)
{
    START();
    struct queue_item item = queue_fixture_item(5), other = queue_fixture_item(5);
    other.raw_sha256[0] ^= 1;
    put(item); /* without one */
    queue_fixture_note(&f, 5, QUEUE_STEP_MOVED);
    ck_assert(seen(&other, "any@example.org", item.raw_size, QUEUE_LIKENESS_MESSAGE_ID, 5));
    ck_assert(!seen(&other, "any@example.org", item.raw_size, QUEUE_LIKENESS_SHA256, 5));
    ck_assert(seen(&item, "any@example.org", item.raw_size, QUEUE_LIKENESS_SHA256, 5));
}
END_TEST

START_TEST(a_likeness_that_there_is_not_is_refused)
{
    START();
    struct queue_lookalike look = {.size = 1, .likeness = 4};
    ck_assert_int_eq(queue_lookalikes(f.queue, ANN, 7, 1, &look, 1, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_BUG);
}
END_TEST

START_TEST(what_is_known_of_a_mailbox_is_kept_as_it_was_set)
{
    START();
    struct queue_mailbox state;
    ck_well(&f, queue_mailbox_get(f.queue, ANN, &state, &f.err));
    ck_assert(state.uidvalidity == 0 && state.held == 0 && state.changed_s[0] == 0);
    state = (struct queue_mailbox){.uidvalidity = 7, .held = 2, .held_s = 50,
                                   .changed_s = {30, 20, 10}, .why = "look at it"};
    ck_well(&f, queue_mailbox_set(f.queue, ANN, &state, &f.err));
    queue_fixture_add(&f, 3, 5);
    if (f.keeps)
        queue_fixture_reopen(&f);
    struct queue_mailbox read;
    ck_well(&f, queue_mailbox_get(f.queue, ANN, &read, &f.err));
    ck_assert(read.uidvalidity == 7 && read.held == 2 && read.held_s == 50);
    ck_assert(read.changed_s[0] == 30 && read.changed_s[2] == 10);
    ck_assert_str_eq(read.why, "look at it");
    ck_assert_uint_eq(read.highest_uid, 5);
    state.held = 0;
    ck_well(&f, queue_mailbox_set(f.queue, ANN, &state, &f.err));
    ck_well(&f, queue_mailbox_get(f.queue, ANN, &read, &f.err));
    ck_assert(read.held == 0 && read.why[0] == '\0');
    ck_well(&f, queue_mailbox_get(f.queue, "IMAP", "ann@mail.example.org", "Other", &read, &f.err));
    ck_assert_uint_eq(read.uidvalidity, 0);
}
END_TEST

/* ---- Other names ----------------------------------------------------------------------------- */

static struct queue_record record_of(uint32_t uidvalidity, uint32_t uid)
{
    struct queue_record record = {.origin = queue_fixture_item(uid).origin};
    record.origin.uidvalidity = uidvalidity;
    ck_well(&f, queue_known(f.queue, &record, 1, &f.err));
    return record;
}

START_TEST(an_adopted_message_goes_on_under_its_new_name_with_its_entry)
{
    START();
    queue_fixture_add(&f, 1, 2);
    queue_fixture_note(&f, 1, QUEUE_STEP_MOVING);
    const struct queue_adoption items[] = {{7, 1, 8, 21}, {7, 2, 8, 22}};
    const struct queue_mailbox state = {.uidvalidity = 8};
    for (int twice = 0; twice < 2; twice++)
        ck_well(&f, queue_adopt(f.queue, ANN, items, 2, &state, &f.err));
    if (f.keeps)
        queue_fixture_reopen(&f);
    ck_assert_int_eq(record_of(8, 21).step, QUEUE_STEP_MOVING);
    ck_assert_str_eq(record_of(8, 21).target, "DROPBOX");
    ck_assert_int_eq(record_of(8, 22).step, QUEUE_STEP_STORED);
    ck_assert_int_eq(record_of(7, 1).step, QUEUE_STEP_MOVED);
    ck_assert_uint_eq(queue_fixture_count(&f), 2);
    ck_assert_uint_eq(evidence_of(8, 22).size, queue_fixture_item(2).raw_size);
    struct queue_record unsettled[4];
    size_t count;
    ck_well(&f, queue_unsettled(f.queue, ANN, NULL, unsettled, 4, &count, &f.err));
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(unsettled[0].origin.uid, 21);
    struct queue_mailbox read;
    ck_well(&f, queue_mailbox_get(f.queue, ANN, &read, &f.err));
    ck_assert(read.uidvalidity == 8 && read.adopted == 2 && read.highest_uid == 22);
}
END_TEST

START_TEST(neither_name_of_an_adopted_message_becomes_another_entry)
{
    START();
    queue_fixture_add(&f, 1, 1);
    const struct queue_adoption item = {7, 1, 8, 21};
    ck_well(&f, queue_adopt(f.queue, ANN, &item, 1, NULL, &f.err));
    struct queue_item was = queue_fixture_item(1), is = queue_fixture_item(21);
    is.origin.uidvalidity = 8;
    ck_assert_int_eq(queue_put(f.queue, &was, &f.err), QUEUE_PUT_DUPLICATE);
    ck_assert_int_eq(queue_put(f.queue, &is, &f.err), QUEUE_PUT_DUPLICATE);
    ck_assert_uint_eq(queue_fixture_count(&f), 1);
}
END_TEST

START_TEST(the_ledger_tells_an_adopted_message_once_with_the_name_its_id_was_made_of)
{
    START();
    queue_fixture_add(&f, 1, 1);
    const struct queue_adoption there[] = {{7, 1, 8, 21}}, on[] = {{8, 21, 9, 31}};
    ck_well(&f, queue_adopt(f.queue, ANN, there, 1, NULL, &f.err));
    ck_well(&f, queue_adopt(f.queue, ANN, on, 1, NULL, &f.err));
    struct queue_record records[4];
    size_t count;
    ck_well(&f, queue_ledger(f.queue, "IMAP", "ann@mail.example.org", NULL, records, 4, &count,
                             &f.err));
    ck_assert_uint_eq(count, 1);
    ck_assert(records[0].origin.uidvalidity == 9 && records[0].origin.uid == 31);
    ck_assert(records[0].named_uidvalidity == 7 && records[0].named_uid == 1);
}
END_TEST

START_TEST(a_message_goes_back_to_a_name_it_had)
{
    START();
    queue_fixture_add(&f, 1, 1);
    const struct queue_adoption there = {7, 1, 8, 21}, back = {8, 21, 7, 1};
    ck_well(&f, queue_adopt(f.queue, ANN, &there, 1, NULL, &f.err));
    ck_well(&f, queue_adopt(f.queue, ANN, &back, 1, NULL, &f.err));
    ck_assert_int_eq(record_of(7, 1).step, QUEUE_STEP_STORED);
    ck_assert_int_eq(record_of(8, 21).step, QUEUE_STEP_MOVED);
    struct queue_record records[4];
    size_t count;
    ck_well(&f, queue_ledger(f.queue, "IMAP", "ann@mail.example.org", NULL, records, 4, &count,
                             &f.err));
    ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(a_name_with_an_entry_of_its_own_is_taken_by_nobody_and_nothing_is_changed)
{
    START();
    queue_fixture_add(&f, 1, 3);
    const struct queue_adoption items[] = {{7, 1, 8, 21}, {7, 2, 7, 3}};
    ck_assert_int_eq(queue_adopt(f.queue, ANN, items, 2, NULL, &f.err), -1);
    ck_assert_int_eq(f.err.class, ERROR_HELD);
    ck_assert_ptr_nonnull(strstr(f.err.text, "by hand"));
    ck_assert_int_eq(record_of(7, 1).step, QUEUE_STEP_STORED);
    ck_assert_int_eq(record_of(8, 21).step, QUEUE_STEP_UNKNOWN);
    struct queue_item item = queue_fixture_item(9);
    ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_adopt(f.queue, ANN, items, 1, NULL, &f.err), -1); /* an open batch */
    ck_assert_int_eq(f.err.class, ERROR_BUG);
}
END_TEST

START_TEST(an_attempt_under_the_new_name_gives_way_to_the_adopted_message)
{
    START();
    queue_fixture_add(&f, 1, 1);
    queue_fixture_note(&f, 5, QUEUE_STEP_ATTEMPTED);
    const struct queue_adoption item = {7, 1, 7, 5};
    ck_well(&f, queue_adopt(f.queue, ANN, &item, 1, NULL, &f.err));
    ck_assert_int_eq(record_of(7, 5).step, QUEUE_STEP_STORED);
    ck_assert_uint_eq(record_of(7, 5).attempts, 0);
}
END_TEST

START_TEST(a_name_that_a_message_gave_up_may_be_given_to_another_and_makes_no_entry)
{
    START();
    queue_fixture_add(&f, 1, 2);
    const struct queue_adoption there[] = {{7, 1, 8, 21}, {7, 2, 8, 22}};
    const struct queue_adoption back[] = {{8, 22, 7, 1}, {8, 21, 7, 2}}; /* the other way round */
    ck_well(&f, queue_adopt(f.queue, ANN, there, 2, NULL, &f.err));
    ck_well(&f, queue_adopt(f.queue, ANN, back, 2, NULL, &f.err));
    struct queue_record records[4];
    size_t count;
    ck_well(&f, queue_ledger(f.queue, "IMAP", "ann@mail.example.org", NULL, records, 4, &count,
                             &f.err));
    ck_assert_uint_eq(count, 2);
    ck_assert(records[0].origin.uid == 1 && records[0].named_uid == 2);
    ck_assert(records[1].origin.uid == 2 && records[1].named_uid == 1);
    for (uint32_t uid = 1; uid <= 2; uid++) {
        struct queue_item item = queue_fixture_item(uid);
        ck_assert_int_eq(queue_put(f.queue, &item, &f.err), QUEUE_PUT_DUPLICATE);
        queue_rollback(f.queue);
    }
    ck_assert_uint_eq(queue_fixture_count(&f), 2);
}
END_TEST

START_TEST(a_message_that_was_adopted_and_is_done_with_is_found_by_its_size)
{
    START();
    queue_fixture_add(&f, 1, 1);
    const struct queue_adoption item = {7, 1, 8, 21};
    struct queue_record moved = {.origin = queue_fixture_item(21).origin, .step = QUEUE_STEP_MOVED};
    struct queue_evidence found[2];
    moved.origin.uidvalidity = 8;
    ck_well(&f, queue_adopt(f.queue, ANN, &item, 1, NULL, &f.err));
    ck_well(&f, queue_note(f.queue, &moved, 1, &f.err));
    ck_assert_uint_eq(like(queue_fixture_item(1).raw_size, found, 2), 1);
    ck_assert_uint_eq(found[0].message_id, evidence_of(8, 21).message_id);
}
END_TEST

START_TEST(settled_messages_are_told_page_by_page_and_go_on_under_new_names_too)
{
    START();
    queue_fixture_add(&f, 1, 5);
    for (uint32_t uid = 1; uid <= 4; uid++)
        queue_fixture_note(&f, uid, QUEUE_STEP_MOVED);
    struct queue_record page[3];
    size_t count;
    ck_well(&f, queue_settled(f.queue, ANN, NULL, page, 3, &count, &f.err));
    ck_assert(count == 3 && page[0].origin.uid == 1 && page[2].origin.uid == 3);
    const struct queue_origin last = page[2].origin;
    ck_well(&f, queue_settled(f.queue, ANN, &last, page, 3, &count, &f.err));
    ck_assert(count == 1 && page[0].origin.uid == 4);
    const struct queue_adoption item = {7, 1, 8, 21};
    ck_well(&f, queue_adopt(f.queue, ANN, &item, 1, NULL, &f.err));
    ck_assert_int_eq(record_of(8, 21).step, QUEUE_STEP_MOVED);
    ck_well(&f, queue_settled(f.queue, ANN, NULL, page, 3, &count, &f.err));
    ck_assert_uint_eq(page[0].origin.uid, 2); /* not by its old name */
}
END_TEST

static Suite *suite(void)
{
    const TTest *const kind_tests[] = {
        what_a_message_is_known_by_is_stored_with_its_entry,
        a_message_without_raw_bytes_or_entry_is_known_by_less,
        settled_messages_of_one_size_are_found_the_newest_first_for_ninety_days,
        a_message_that_was_settled_is_known_by_size_then_message_id_then_digest,
        one_of_which_no_message_id_is_known_may_be_any_of_its_size,
        a_likeness_that_there_is_not_is_refused,
        what_is_known_of_a_mailbox_is_kept_as_it_was_set,
        an_adopted_message_goes_on_under_its_new_name_with_its_entry,
        neither_name_of_an_adopted_message_becomes_another_entry,
        the_ledger_tells_an_adopted_message_once_with_the_name_its_id_was_made_of,
        a_message_goes_back_to_a_name_it_had,
        a_name_with_an_entry_of_its_own_is_taken_by_nobody_and_nothing_is_changed,
        an_attempt_under_the_new_name_gives_way_to_the_adopted_message,
        a_name_that_a_message_gave_up_may_be_given_to_another_and_makes_no_entry,
        a_message_that_was_adopted_and_is_done_with_is_found_by_its_size,
        settled_messages_are_told_page_by_page_and_go_on_under_new_names_too,
    };
    Suite *s = suite_create("queue mailbox");
    TCase *kinds = tcase_create("back ends");
    tcase_add_checked_fixture(kinds, NULL, teardown);
    for (size_t i = 0; i < sizeof kind_tests / sizeof kind_tests[0]; i++)
        tcase_add_loop_test(kinds, kind_tests[i], 0, QUEUE_FIXTURE_KINDS);
    suite_add_tcase(s, kinds);
    return s;
}

CHECK_MAIN(suite)
