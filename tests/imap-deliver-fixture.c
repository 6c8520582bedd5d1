/* SPDX-License-Identifier: Apache-2.0 */
/* imap-deliver-fixture.c - see imap-deliver-fixture.h. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "imap-deliver-fixture.h"

struct imap_delivery items[MESSAGES];
struct script script;
struct error err;

void messages(void)
{
    static const char *const texts[MESSAGES] = {"Subject: 1\r\nMessage-ID: <1@x>\r\n\r\none\r\n",
                                                "Subject: 2\nMessage-ID: <2@x>\n\ntwo\n",
                                                "Subject: 3\r\nMessage-ID: <3@x>\r\n\r\nthree\r\n"};
    static const char *const ids[MESSAGES] = {"<1@x>", "<2@x>", "<3@x>"};
    for (size_t i = 0; i < MESSAGES; i++)
        items[i] = (struct imap_delivery){
            .folder = "Inbox/a",
            .look = true,
            .ids = {ids[i], NULL},
            .date = "2026-03-01T12:00:00+02:00",
            .raw = {.bytes = (const uint8_t *)texts[i], .size = strlen(texts[i]), .fd = -1}};
    items[0].ids[1] = "1bare";
    items[0].by_id = true;
}

struct host *deliver_these(work *with, struct imap_delivery *of, size_t of_count,
                           const struct script_rule *rules, size_t count, const char *can, int want)
{
    struct imap_deliver *d = NULL;
    script = (struct script){NULL, can, rules, count};
    struct host *h = host_start(&script, "");
    err = (struct error){0};
    ck_assert_int_eq(imap_deliver_open(h->settings, "ann", "sesame", &h->table, &d, &err), 0);
    int got = with(d, of, of_count, &err);
    imap_deliver_close(d);
    ck_assert_msg(got == want, "%d: %s\n%s", got, err.text, script_trace(h->server));
    ck_assert((err.class == ERROR_NONE) == (got == 0));
    return h;
}

struct host *deliver(const struct script_rule *rules, size_t count, const char *can, int want)
{
    return deliver_these(imap_deliver_run, items, MESSAGES, rules, count, can, want);
}
void results(struct host *h, int first, int second, int third)
{
    ck_assert_msg((int)items[0].result == first && (int)items[1].result == second &&
                      (int)items[2].result == third,
                  "%d %d %d\n%s", items[0].result, items[1].result, items[2].result,
                  script_trace(h->server));
}
