/* SPDX-License-Identifier: Apache-2.0 */
/* condition-test.c - which mail makes work in a work queue. */
#include <config.h>
#include "check-main.h"

#include <string.h>
#include <sys/mman.h>

#include "condition.h"
#include "filter.h"

static const struct loader_mail order = {
    .struct_size = sizeof order,
    .subject = "Order 4711",
    .sender = "Ben <ben@example.org>",
    .recipient = "ann@example.net",
    .message_body = "please send two",
};

static bool met(const char *text, const struct loader_mail *mail)
{
    AUTO(condition) condition = NULL;
    struct error err;
    ck_assert_msg(condition_new(text, &condition, &err) == 0, "%s: %s", text, err.text);
    ck_assert_str_eq(condition_text(condition), text);
    return condition_is_met(condition, mail);
}

static const struct met_row {
    const char *text;
    bool met;
} met_rows[] = {
    {"Subject:/^Order \\d+$/", true},
    {"subject:/order/i", true},
    {"Subject:/order/", false},
    {"!Subject:/order/", true},
    {"!Subject:/Order/", false},
    {"From:/@example\\.org>$/", true},
    {"Sender:/ben/i", true},
    {"To:/ann/", true},
    {"Recipient:/ben/", false},
    {"Body:/two/", true},
    {"*:/please/", true},
    {"*:/nowhere/", false},
    {"!*:/two/", false},
    {"Cc:/./", false},
    {"Cc:/^$/", true},
    {"!Bcc:/./", true},
};

START_TEST(a_condition_looks_at_the_field_it_names)
{
    ck_assert_msg(met(met_rows[_i].text, &order) == met_rows[_i].met, "%s", met_rows[_i].text);
}
END_TEST

static const struct bad_row {
    const char *text, *says;
} bad_rows[] = {
    {"Subjekt:/a/", "did you mean 'Subject'"},
    {"X-Spam:/a/", "Subject, Sender, Recipient"},
    {"Subject:/(/", "wrong at position"},
    {"Subject", "Header:/expression/"},
    {"!", "Header:/expression/"},
};

START_TEST(what_is_wrong_with_a_condition_is_told)
{
    AUTO(condition) condition = NULL;
    struct error err = {.text = ""};
    ck_assert_int_eq(condition_new(bad_rows[_i].text, &condition, &err), -1);
    ck_assert_msg(strstr(err.text, bad_rows[_i].says) != NULL, "%s", err.text);
    ck_assert_int_eq(err.class, ERROR_USAGE);
}
END_TEST

START_TEST(in_doubt_a_mail_makes_work)
{
    char text[64];
    memset(text, 'a', sizeof text);
    text[sizeof text - 2] = '!';
    text[sizeof text - 1] = '\0';
    struct loader_mail slow = order;
    slow.subject = text;
    ck_assert(met("Subject:/^(a+)+$/", &slow)); /* stopped by a limit */
    ck_assert(met("!Subject:/^(a+)+$/", &slow));
    ck_assert(met("Subject:/never/", NULL)); /* not even a mail */
    ck_assert(condition_is_met(NULL, &order));
}
END_TEST

/* Memory that is said to hold a text which lies in a file is not to become resident. */
START_TEST(of_a_large_text_no_more_is_looked_at_than_is_searched)
{
    char *text = mmap(NULL, FILTER_SUBJECT_MAX + 65536, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(text != MAP_FAILED && mprotect(text + FILTER_SUBJECT_MAX, 65536, PROT_NONE) == 0);
    memset(text, 'x', FILTER_SUBJECT_MAX);
    memcpy(text + FILTER_SUBJECT_MAX - 6, "needle", 6);
    const struct loader_mail mail = {.struct_size = sizeof mail, .message_body = text};
    ck_assert(met("Body:/needle/", &mail));
    ck_assert(!met("Body:/nowhere/", &mail));
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("condition");
    TCase *all = tcase_create("condition");
    tcase_add_test(all, of_a_large_text_no_more_is_looked_at_than_is_searched);
    tcase_add_loop_test(all, a_condition_looks_at_the_field_it_names, 0,
                        sizeof met_rows / sizeof met_rows[0]);
    tcase_add_loop_test(all, what_is_wrong_with_a_condition_is_told, 0,
                        sizeof bad_rows / sizeof bad_rows[0]);
    tcase_add_test(all, in_doubt_a_mail_makes_work);
    suite_add_tcase(s, all);
    return s;
}

CHECK_MAIN(suite)
