/* SPDX-License-Identifier: Apache-2.0 */
/* connector-test.c - when mailchute mailchain tries again what failed. */
#include <config.h>
#include "check-main.h"

#include "mailchain-run.h"

#define MINUTE 60u

static const struct {
    enum error_class class;
    uint32_t interval_s, pause_s;
    uint32_t want_s[6]; /* behind the first failure, the second, ... */
} pauses[] = {
    {ERROR_LINK, 60, 0, {60, 120, 240, 480, 900, 900}},
    {ERROR_UNREACHABLE, 300, 0, {60, 120, 240, 480, 900, 900}},
    {ERROR_PROTOCOL, 3600, 0, {60, 120, 240, 480, 960, 1920}},
    {ERROR_PAUSE, 60, 4000, {4000, 4000, 4000, 4000, 4000, 4000}},
    {ERROR_PAUSE, 60, 0, {60, 120, 240, 480, 900, 900}},
    {ERROR_CREDENTIALS, 60, 0, {60, 120, 3600, 3600, 3600, 3600}},
    {ERROR_CREDENTIALS, 300, 0, {300, 600, 3600, 3600, 3600, 3600}},
    {ERROR_CREDENTIALS, 86400, 0, {86400, 86400, 86400, 86400, 86400, 86400}},
    {ERROR_CONFIG, 300, 0, {300, 600, 900, 900, 900, 900}},
    {ERROR_CERTIFICATE, 60, 0, {60, 120, 240, 480, 900, 900}},
};

START_TEST(what_fails_is_tried_again_after_a_minute_at_least_and_ever_later)
{
    struct retry_history history = {0};
    const struct error err = {.class = pauses[_i].class, .pause_s = pauses[_i].pause_s};
    for (size_t i = 0; i < sizeof pauses[_i].want_s / sizeof pauses[_i].want_s[0]; i++) {
        uint64_t ms = mailchain_run_pause(&history, pauses[_i].interval_s, &err, i * 3600000);
        ck_assert_uint_ge(ms, MINUTE * 1000);
        ck_assert_uint_eq((ms + 500) / 1000, pauses[_i].want_s[i]);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("connector");
    TCase *all = tcase_create("connector");
    tcase_add_loop_test(all, what_fails_is_tried_again_after_a_minute_at_least_and_ever_later, 0,
                        sizeof pauses / sizeof pauses[0]);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
