/* SPDX-License-Identifier: Apache-2.0 */
/* source-state-test.c - how a source is, and when it is tried again: all by table, without a
 * clock. */
#include <config.h>
#include "check-main.h"

#include <stdio.h>
#include <string.h>

#include "pace.h"
#include "retry.h"
#include "source-state.h"

static struct source_state s;
static struct source_now now;

static void setup(void)
{
    now = (struct source_now){1000, 50000};
    source_state_init(&s, false, 0, 0, now);
}

static struct error error_of(enum error_class class, uint32_t pause_s)
{
    struct error err;
    error_set(&err, class, "%s of mail.example.org", error_class_name(class));
    err.pause_s = pause_s;
    return err;
}

static void fails(enum error_class class)
{
    struct error err = error_of(class, 0);
    source_state_failed(&s, &retry_limits_default, &err, UINT32_MAX, now);
}

/* "active/idle" */
static const char *state(void)
{
    static char text[64];
    const char *detail = source_detail_name(s.detail);
    snprintf(text, sizeof text, "%s%s%s", source_status_name(s.status), detail == NULL ? "" : "/",
             detail == NULL ? "" : detail);
    return text;
}

/* One letter an event: start, Contact, drained, link, credentials, mailbox, throttled, pause,
 * resume, hold, edited, silent; D: drained, but for a part. */
static void happen(char event)
{
    switch (event) {
    case 's': source_state_start(&s, now); break;
    case 'C': source_state_contact(&s, false, now); break;
    case 'd': source_state_drained(&s, 3, NULL, now); break;
    case 'D': source_state_drained(&s, 3, "folder 'Bad' cannot be opened", now); break;
    case 'l': fails(ERROR_LINK); break;
    case 'c': fails(ERROR_CREDENTIALS); break;
    case 'm': fails(ERROR_CONFIG); break;
    case 't': fails(ERROR_PAUSE); break;
    case 'H': fails(ERROR_HELD); break;
    case 'p': source_state_pause(&s, now); break;
    case 'r': source_state_resume(&s, now); break;
    case 'h': source_state_hold(&s, "renumbered", now); break;
    case 'e': source_state_edited(&s, now); break;
    case 'q': source_state_silent(&s, now); break;
    default: ck_abort();
    }
}

static const struct {
    const char *events, *state;
} moves[] = {
    {"", "pending"},
    {"s", "importing/syncing"},
    {"sC", "importing/syncing"},
    {"sd", "active/idle"},
    {"sds", "active/syncing"},
    {"sdsd", "active/idle"},
    {"sD", "active/degraded"}, /* a part is left out */
    {"sDs", "active/syncing"},
    {"sDsd", "active/idle"},
    {"sDq", "active/degraded"},
    {"sDqsd", "active/idle"},
    {"sl", "importing/degraded"},
    {"sls", "importing/degraded"}, /* nothing is proven yet */
    {"slsC", "importing/syncing"},
    {"sdl", "active/degraded"},
    {"sdlsd", "active/idle"},
    {"sdq", "active/degraded"},
    {"sdqsd", "active/idle"},
    {"sdt", "active/throttled"},
    {"sdtsd", "active/idle"},
    {"sm", "error"},
    {"sdm", "error"},
    {"sdms", "error"},
    {"sdmsl", "error"}, /* a link that breaks does not prove that the mailbox is back */
    {"sdmsC", "active/syncing"},
    {"sdmsd", "active/idle"},
    {"smsC", "importing/syncing"},
    {"sc", "importing/degraded"},
    {"scsc", "importing/degraded"},
    {"scscsc", "error"},
    {"sdcscsc", "error"},
    {"sdcscsCc", "active/degraded"}, /* let in between: counted anew */
    {"sdcscsce", "active/degraded"},
    {"sdcscscec", "active/degraded"},
    {"p", "paused"},
    {"ps", "paused"},
    {"sp", "paused"},
    {"spl", "paused"}, /* what it was doing ends badly */
    {"spd", "paused"}, /* or well */
    {"sdp", "paused"},
    {"sdpr", "active/degraded"},
    {"pr", "pending"},
    {"spr", "pending"},
    {"sdmp", "paused"},
    {"sdmpr", "active/degraded"},
    {"pe", "paused"},
    {"sdh", "held"},
    {"sdH", "held"},
    {"sdHsl", "held"}, /* not tried again */
    {"sdHr", "active/degraded"},
    {"sdhs", "held"},
    {"sdhl", "held"},
    {"sdhr", "active/degraded"},
    {"sdhp", "paused"},
    {"sdme", "active/degraded"},
    {"sme", "pending"},
    {"sdr", "active/idle"}, /* nothing to resume */
    {"r", "pending"},
    {"e", "pending"},
    {"m", "error"}, /* before it was ever at work */
    {"h", "held"},
    {"hr", "pending"},
    {"hp", "paused"},
    {"he", "held"}, /* an edit alone releases nothing */
    {"st", "importing/throttled"},
    {"sts", "importing/throttled"}, /* nothing is proven yet */
    {"stsd", "active/idle"},
    {"stl", "importing/degraded"},
    {"sdtl", "active/degraded"},
    {"sh", "held"},
    {"sH", "held"},
    {"sHr", "pending"},
    {"sHrs", "importing/syncing"},
    {"sdHe", "held"},
    {"sdHp", "paused"},
    {"sdHd", "held"}, /* what it was doing ends well */
    {"sprd", "active/idle"}, /* paused and resumed while it was at work */
    {"sprl", "pending/degraded"},
    {"sprm", "error"},
    {"sdph", "held"},
    {"sdpe", "paused"},
    {"sdpq", "paused"},
    {"sdmh", "held"},
    {"sdmq", "error"},
    {"sdmt", "error"},
    {"sdmst", "error"},
    {"smr", "error"}, /* nothing to resume; an edit or the server mends it */
    {"sq", "importing/syncing"}, /* at work: nobody waits for it */
    {"sdqq", "active/degraded"},
    {"sde", "active/idle"},
};

START_TEST(each_row_of_events_ends_in_its_state)
{
    for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
        setup();
        for (const char *at = moves[i].events; *at != '\0'; at++)
            happen(*at);
        ck_assert_msg(strcmp(state(), moves[i].state) == 0, "%s: %s, not %s", moves[i].events,
                      state(), moves[i].state);
    }
}
END_TEST

/* Whatever follows whatever, no move is outside the table: the setter would abort. */
START_TEST(any_four_events_in_any_order_are_allowed)
{
    static const char events[] = "sCdlcmtprhHeq";
    const unsigned count = sizeof events - 1;
    for (unsigned number = 0; number < count * count * count * count; number++) {
        setup();
        for (unsigned left = number, i = 0; i < 4; i++, left /= count)
            happen(events[left % count]);
        ck_assert(s.status != SOURCE_ACTIVE || s.imported);
        ck_assert(s.detail != SOURCE_IDLE || s.contact_s != 0);
        ck_assert(s.status != SOURCE_PAUSED || s.next_try_s == 0);
    }
}
END_TEST

START_TEST(a_source_that_was_imported_goes_on_as_active_and_out_of_contact)
{
    source_state_init(&s, false, 500, 600, now);
    ck_assert_str_eq(state(), "active/degraded");
    source_state_init(&s, false, 500, 0, now);
    ck_assert_str_eq(state(), "pending");
    source_state_start(&s, now);
    ck_assert_int_eq(s.import_started_s, 500); /* it is the same import */
    source_state_init(&s, true, 500, 600, now);
    ck_assert_str_eq(state(), "paused");
}
END_TEST

START_TEST(the_last_message_tells_items_or_the_error)
{
    happen('s');
    happen('d');
    ck_assert_str_eq(s.last_message, "OK; 3 items.");
    ck_assert_str_eq(s.message, "");
    happen('m');
    ck_assert_str_eq(s.last_message, "Error: config of mail.example.org");
    ck_assert_str_eq(s.message, "config of mail.example.org");
    happen('s');
    happen('d');
    ck_assert_str_eq(s.message, "");
}
END_TEST

START_TEST(since_tells_when_the_status_began_not_its_detail)
{
    happen('s');
    now.unix_s = 2000;
    happen('d');
    now.unix_s = 3000;
    happen('l');
    ck_assert_int_eq(s.since_s, 2000);
    ck_assert_int_eq(s.success_s, 2000);
    ck_assert_int_eq(s.contact_s, 2000);
    happen('p');
    ck_assert_int_eq(s.since_s, 3000);
}
END_TEST

START_TEST(a_resumed_or_edited_source_is_tried_at_once)
{
    happen('s');
    happen('m');
    ck_assert_uint_ge(s.next_try_ms, 50000 + 60000);
    happen('e');
    ck_assert_uint_eq(s.next_try_ms, 50000);
    happen('m');
    happen('p');
    happen('r');
    ck_assert_uint_eq(s.next_try_ms, 50000);
}
END_TEST

/* ---- Retry ----------------------------------------------------------------------------------- */

static uint64_t wait_of(struct retry_history *history, enum error_class class, uint32_t pause_s,
                        uint32_t random)
{
    struct error err = error_of(class, pause_s);
    return retry_failed(history, &retry_limits_default, &err, random, now.monotonic_ms).wait_ms;
}

START_TEST(a_broken_link_is_tried_after_pauses_that_double_up_to_a_limit)
{
    struct retry_history history = {0};
    uint64_t want = 1000;
    for (int i = 0; i < 40; i++) {
        ck_assert_uint_eq(wait_of(&history, ERROR_LINK, 0, UINT32_MAX), want);
        want = want * 2 < 900000 ? want * 2 : 900000;
    }
}
END_TEST

START_TEST(the_jitter_takes_any_part_of_the_pause)
{
    struct retry_history history = {0};
    ck_assert_uint_eq(wait_of(&history, ERROR_LINK, 0, 0), 1);
    ck_assert_uint_eq(wait_of(&history, ERROR_LINK, 0, UINT32_MAX / 2), 1000);
    history.failures = UINT32_MAX;
    ck_assert_uint_eq(wait_of(&history, ERROR_LINK, 0, UINT32_MAX), 900000);
}
END_TEST

START_TEST(refused_credentials_are_tried_three_times_minutes_apart_and_then_hourly)
{
    struct retry_history history = {0};
    struct error err = error_of(ERROR_CREDENTIALS, 0);
    for (unsigned i = 1; i <= 2; i++) {
        struct retry_plan plan = retry_failed(&history, &retry_limits_default, &err, 0, 0);
        ck_assert_int_eq(plan.kind, RETRY_DEGRADED);
        ck_assert_uint_eq(plan.wait_ms, i * 60000);
    }
    for (int i = 0; i < 5; i++) {
        struct retry_plan plan = retry_failed(&history, &retry_limits_default, &err, 0, 0);
        ck_assert_int_eq(plan.kind, RETRY_PERSON);
        ck_assert_uint_eq(plan.wait_ms, 3600000);
    }
}
END_TEST

START_TEST(what_a_person_mends_is_not_waited_for_longer_since_the_link_broke_before)
{
    struct retry_history history = {.before = RETRY_BEFORE_MAX};
    struct error err = error_of(ERROR_CERTIFICATE, 0);
    struct retry_plan plan = retry_failed(&history, &retry_limits_default, &err, 0, 0);
    ck_assert_int_eq(plan.kind, RETRY_PERSON);
    ck_assert_uint_eq(plan.wait_ms, 60000);
}
END_TEST

START_TEST(many_that_were_sent_away_together_do_not_come_back_together)
{
    static const enum error_class classes[] = {ERROR_PAUSE, ERROR_CREDENTIALS, ERROR_CERTIFICATE,
                                               ERROR_USAGE, ERROR_HELD};
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
        for (uint32_t pause_s = 0; pause_s <= 300; pause_s += 300) {
            struct retry_history first = {0}, last = {0};
            uint64_t least = wait_of(&first, classes[i], pause_s, 0);
            uint64_t most = wait_of(&last, classes[i], pause_s, UINT32_MAX);
            ck_assert_uint_eq(most, least + least / 4 - 1); /* never sooner than was said */
        }
}
END_TEST

START_TEST(contact_that_does_not_last_leaves_the_pauses_growing)
{
    struct retry_history history = {0};
    for (uint64_t want = 1000; want <= 64000; want *= 2) {
        ck_assert_uint_eq(wait_of(&history, ERROR_LINK, 0, UINT32_MAX), want);
        now.monotonic_ms += want;
        retry_well(&history, false, now.monotonic_ms);
        ck_assert_uint_eq(history.failures, 0);
        now.monotonic_ms += RETRY_LASTS_MS - 1;
        retry_well(&history, false, now.monotonic_ms); /* the same contact */
    }
    ck_assert_uint_eq(wait_of(&history, ERROR_LINK, 0, UINT32_MAX), 64000); /* and no further */
    retry_well(&history, false, now.monotonic_ms);
    now.monotonic_ms += RETRY_LASTS_MS; /* now it has lasted */
    ck_assert_uint_eq(wait_of(&history, ERROR_LINK, 0, UINT32_MAX), 1000);
}
END_TEST

START_TEST(a_message_that_was_picked_up_makes_up_for_all_that_was_before)
{
    struct retry_history history = {0};
    for (int i = 0; i < 9; i++)
        (void)wait_of(&history, ERROR_LINK, 0, 0);
    retry_well(&history, true, now.monotonic_ms);
    ck_assert_uint_eq(wait_of(&history, ERROR_LINK, 0, UINT32_MAX), 1000);
}
END_TEST

START_TEST(silence_is_told_until_the_server_answers_and_not_only_until_it_is_tried)
{
    happen('s');
    happen('d');
    happen('q');
    happen('s');
    ck_assert_str_eq(state(), "active/degraded");
    ck_assert_str_ne(s.message, "");
    happen('C');
    ck_assert_str_eq(state(), "active/syncing");
    ck_assert_str_eq(s.message, "");
}
END_TEST

START_TEST(a_failure_that_differs_in_numbers_alone_is_the_one_that_was_told)
{
    static const struct {
        const char *told, *text;
        bool same;
    } rows[] = {
        {"port 993: no connection after 5 ms", "port 993: no connection after 128 ms", true},
        {"no connection", "no connection", true},
        {"no connection", "no connections", false},
        {"after 5 ms", "after ms", false},
        {"after 5", "after 5 ms", false},
        {"", "1", false},
        {"7", "", false},
        {"7", "8", true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(s.message, sizeof s.message, "%s", rows[i].told);
        ck_assert_msg(source_state_tells(&s, rows[i].text) == rows[i].same, "%s", rows[i].text);
    }
}
END_TEST

START_TEST(a_server_that_names_a_time_is_left_alone_that_long)
{
    struct retry_history history = {0};
    ck_assert_uint_eq(wait_of(&history, ERROR_PAUSE, 77, 0), 77000);
    history = (struct retry_history){0};
    for (uint64_t want = 1000; want <= 32000; want *= 2) /* "wait a second", again and again */
        ck_assert_uint_eq(wait_of(&history, ERROR_PAUSE, 1, 0), want);
    ck_assert_uint_eq(wait_of(&history, ERROR_PAUSE, 300, 0), 300000);
    history = (struct retry_history){0};
    ck_assert_uint_eq(wait_of(&history, ERROR_PAUSE, 0, 0), 60000);
    ck_assert_uint_eq(wait_of(&history, ERROR_PAUSE, 0, 0), 120000);
}
END_TEST

START_TEST(each_class_of_error_has_its_plan)
{
    static const struct {
        enum error_class class;
        enum retry_kind kind;
    } plans[] = {
        {ERROR_MAIL, RETRY_DEGRADED},        {ERROR_UNREACHABLE, RETRY_DEGRADED},
        {ERROR_LINK, RETRY_DEGRADED},        {ERROR_PAUSE, RETRY_THROTTLED},
        {ERROR_PROTOCOL, RETRY_DEGRADED},    {ERROR_CERTIFICATE, RETRY_PERSON},
        {ERROR_CREDENTIALS, RETRY_DEGRADED}, {ERROR_CONFIG, RETRY_PERSON},
        {ERROR_USAGE, RETRY_PERSON},         {ERROR_CREATE, RETRY_PERSON},
        {ERROR_STORE, RETRY_DEGRADED},       {ERROR_CANCELLED, RETRY_DEGRADED},
        {ERROR_BUG, RETRY_DEGRADED},         {ERROR_HELD, RETRY_PERSON},
    };
    for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++) {
        struct retry_history history = {0};
        struct error err = error_of(plans[i].class, 0);
        struct retry_plan plan = retry_failed(&history, &retry_limits_default, &err, 1, 0);
        ck_assert_msg(plan.kind == plans[i].kind, "%s", error_class_name(plans[i].class));
        ck_assert_uint_gt(plan.wait_ms, 0); /* never at once: nothing is hammered */
        ck_assert_uint_le(plan.wait_ms, 3600000);
    }
}
END_TEST

START_TEST(a_clock_that_is_set_makes_no_server_silent_and_no_silence_unheard)
{
    now = (struct source_now){1000000, 50000};
    source_state_start(&s, now);
    source_state_drained(&s, 0, NULL, now);
    ck_assert(!source_state_is_silent(&s, 60000, now));
    ck_assert(!source_state_is_silent(&s, 60000, (struct source_now){1086400, 51000}));
    ck_assert(!source_state_is_silent(&s, 60000, (struct source_now){1086400, 110000}));
    ck_assert(source_state_is_silent(&s, 60000, (struct source_now){900000, 110001}));
    source_state_drained(&s, 0, "a part is left out", now); /* in contact all the same */
    ck_assert(source_state_is_silent(&s, 60000, (struct source_now){1000000, 110001}));
    source_state_start(&s, now); /* at work: not waited for */
    ck_assert(!source_state_is_silent(&s, 60000, (struct source_now){1000000, 999999}));
}
END_TEST

/* ---- Pace ------------------------------------------------------------------------------------ */

START_TEST(a_pace_is_items_over_the_time_at_work_the_first_turn_included)
{
    struct pace pace = {0};
    ck_assert_uint_eq(pace_rate(&pace, 7000), 0);
    pace_begin(&pace, 7000);
    ck_assert_uint_eq(pace_rate(&pace, 7000), 0); /* not known yet: no division by nothing */
    pace_count(&pace, 50, 17000);                 /* one long turn of a slow server */
    ck_assert_uint_eq(pace_rate(&pace, 17000), 5000);
    pace_begin(&pace, 18000); /* the next turn: it goes on */
    pace_count(&pace, 50, 27000);
    ck_assert_uint_eq(pace_rate(&pace, 27000), 5000);
}
END_TEST

START_TEST(a_pause_or_a_failure_is_not_taken_for_slowness)
{
    struct pace pace = {0};
    pace_begin(&pace, 1000);
    pace_count(&pace, 100, 11000);
    pace_end(&pace);
    ck_assert_uint_eq(pace_rate(&pace, 12000), 0); /* nothing is told of what does not work */
    pace_begin(&pace, 7200000);                    /* hours later */
    pace_count(&pace, 10, 7201000);
    ck_assert_uint_eq(pace_rate(&pace, 7201000), 10000);
}
END_TEST

START_TEST(a_pace_follows_when_a_server_slows_down_and_loses_no_item_to_rounding)
{
    struct pace pace = {0};
    uint64_t now_ms = 1;
    pace_begin(&pace, now_ms);
    for (; now_ms < 1800000; now_ms += 1000)
        pace_count(&pace, 100, now_ms);
    uint64_t fast = pace_rate(&pace, now_ms);
    ck_assert(fast > 99000 && fast < 101000);
    for (; now_ms < 2800000; now_ms += 1000)
        pace_count(&pace, now_ms / 1000 % 2, now_ms); /* one in two seconds */
    uint64_t slow = pace_rate(&pace, now_ms);
    ck_assert_msg(slow > 495 && slow < 1500, "%llu", (unsigned long long)slow);
}
END_TEST

START_TEST(a_pace_survives_one_turn_of_a_day)
{
    struct pace pace = {0};
    pace_begin(&pace, 1000);
    pace_count(&pace, 8640, 86401000);
    ck_assert_uint_eq(pace_rate(&pace, 86401000), 100);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        each_row_of_events_ends_in_its_state,
        any_four_events_in_any_order_are_allowed,
        a_source_that_was_imported_goes_on_as_active_and_out_of_contact,
        the_last_message_tells_items_or_the_error,
        since_tells_when_the_status_began_not_its_detail,
        a_resumed_or_edited_source_is_tried_at_once,
        a_broken_link_is_tried_after_pauses_that_double_up_to_a_limit,
        the_jitter_takes_any_part_of_the_pause,
        refused_credentials_are_tried_three_times_minutes_apart_and_then_hourly,
        what_a_person_mends_is_not_waited_for_longer_since_the_link_broke_before,
        many_that_were_sent_away_together_do_not_come_back_together,
        contact_that_does_not_last_leaves_the_pauses_growing,
        a_message_that_was_picked_up_makes_up_for_all_that_was_before,
        silence_is_told_until_the_server_answers_and_not_only_until_it_is_tried,
        a_failure_that_differs_in_numbers_alone_is_the_one_that_was_told,
        a_server_that_names_a_time_is_left_alone_that_long,
        each_class_of_error_has_its_plan,
        a_clock_that_is_set_makes_no_server_silent_and_no_silence_unheard,
        a_pace_is_items_over_the_time_at_work_the_first_turn_included,
        a_pause_or_a_failure_is_not_taken_for_slowness,
        a_pace_follows_when_a_server_slows_down_and_loses_no_item_to_rounding,
        a_pace_survives_one_turn_of_a_day,
    };
    Suite *all = suite_create("source-state");
    TCase *one = tcase_create("states");
    tcase_add_checked_fixture(one, setup, NULL);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(one, tests[i]);
    suite_add_tcase(all, one);
    return all;
}

CHECK_MAIN(suite)
