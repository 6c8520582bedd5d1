/* SPDX-License-Identifier: Apache-2.0 */
/* host-audit-fixture.c - see host-audit-fixture.h. */
#include <config.h>
#include "host-audit-fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "text.h"

struct queue *queue;
struct error err;
struct audit_settings settings;
struct audit *audit;
char story[2048];
uint64_t told;
unsigned downloads;
unsigned stop_after;
const char *raw_text;
uint32_t mailbox_flags, mailbox_epoch, target_epoch, put_epoch;

void digest_of(const char *text, uint8_t out[QUEUE_DIGEST_SIZE])
{
    memset(out, 0, QUEUE_DIGEST_SIZE);
    memcpy(out, text, strlen(text));
}

static int tell(void *context, const struct audit_finding *finding)
{
    static unsigned count;
    (void)context;
    size_t len = strlen(story);
    (void)snprintf(story + len, sizeof story - len, "%s %s %u%s;", audit_kind_name(finding->kind),
                   finding->folder, finding->uid, finding->entry != NULL ? " e" : "");
    ck_assert_str_ne(finding->why, "");
    count = len == 0 ? 1 : count + 1;
    return stop_after != 0 && count == stop_after ? -1 : 0;
}

static int digest(void *context, int fd, uint64_t *out_size, uint8_t out_sha256[QUEUE_DIGEST_SIZE],
                  struct error *why)
{
    char text[64] = "";
    (void)context, (void)why;
    ssize_t n = read(fd, text, sizeof text - 1);
    ck_assert_int_ge(n, 0);
    text[n] = '\0';
    if (raw_text != NULL)
        text_copy(text, sizeof text, raw_text);
    *out_size = strlen(text);
    digest_of(text, out_sha256);
    return 0;
}

void set_up(void)
{
    if (queue_open("memory:", NULL, clock_system(), &queue, &err) < 0)
        ck_abort_msg("%s", err.text);
    settings =
        (struct audit_settings){.queue = queue, .loader = "IMAP", .tell = tell, .digest = digest};
    audit = NULL;
    story[0] = '\0';
    told = downloads = stop_after = mailbox_flags = 0;
    mailbox_epoch = EPOCH;
    target_epoch = TARGET;
    put_epoch = EPOCH;
    raw_text = NULL;
}

void tear_down(void)
{
    audit_free(audit);
    queue_close(queue);
}

/* ---- The queue ------------------------------------------------------------------------------- */

static struct queue_origin origin_of(uint32_t uid)
{
    return (struct queue_origin){"IMAP", "ann@h", "INBOX", put_epoch, uid, NULL};
}

/* The entry of message @uid, of which the raw bytes are @text; NULL: bad mail of which there are
 * none. */
void put(uint32_t uid, const char *text)
{
    struct queue_item item = {.origin = origin_of(uid),
                              .class = "Mail",
                              .queue = "default",
                              .source = "s",
                              .raw_fd = -1,
                              .raw_size = 1000 + uid,
                              .error = text == NULL ? "too large" : NULL,
                              .raw_bytes = (const uint8_t *)text};
    if (text != NULL) {
        item.raw_size = strlen(text);
        digest_of(text, item.raw_sha256);
    }
    ck_assert_int_eq(queue_put(queue, &item, &err), QUEUE_PUT_ADDED);
    ck_assert_int_eq(queue_commit(queue, &err), QUEUE_COMMITTED);
}

void note(uint32_t uid, enum queue_step step, const char *target, uint32_t target_uid)
{
    const struct queue_record record = {.origin = origin_of(uid),
                                        .step = step,
                                        .target = target,
                                        .target_uidvalidity = target_uid == 0 ? 0 : TARGET,
                                        .target_uid = target_uid};
    ck_assert_int_eq(queue_note(queue, &record, 1, &err), 0);
}

/* Picked up and moved. */
void archive(uint32_t uid, const char *text, uint32_t target_uid)
{
    put(uid, text);
    note(uid, QUEUE_STEP_MOVED, text == NULL ? "BADMAIL" : "DROPBOX", target_uid);
}

/* ---- The survey ------------------------------------------------------------------------------ */

static const char *const paths[] = {"INBOX", "DROPBOX", "BADMAIL"};

void begin(void)
{
    audit = audit_new(&settings);
    for (uint32_t place = 0; place <= LOADER_PLACE_BADMAIL; place++) {
        const struct loader_folder folder = {
            .struct_size = sizeof folder,
            .place = place,
            .uidnext = NEXT,
            .account = "ann@h",
            .flags = place == LOADER_PLACE_MAILBOX ? mailbox_flags : 0,
            .uidvalidity = place == LOADER_PLACE_MAILBOX ? mailbox_epoch : target_epoch,
            .path = paths[place]};
        ck_assert_uint_eq(audit_folder(audit, &folder), LOADER_ANSWER_GO_ON);
    }
}

void see_flagged(uint32_t place, uint32_t uid, const char *text, uint32_t flags)
{
    if (audit == NULL)
        begin();
    struct loader_seen seen = {
        .struct_size = sizeof seen,
        .place = place,
        .flags = flags,
        .number = ++told,
        .origin = {"ann@h", paths[place],
                   place == LOADER_PLACE_MAILBOX ? mailbox_epoch : target_epoch, uid, NULL},
        .size = strlen(text),
        .date_received = "2026-03-01T12:00:00+02:00"};
    if (audit_message(audit, &seen) != LOADER_ANSWER_SHA256)
        return;
    downloads++;
    seen.flags |= LOADER_SEEN_SHA256;
    digest_of(text, seen.sha256);
    (void)audit_message(audit, &seen);
}

void see(uint32_t place, uint32_t uid, const char *text)
{
    see_flagged(place, uid, text, 0);
}

/* All that is told in the end. */
const char *verdict(void)
{
    if (audit == NULL)
        begin();
    ck_assert_msg(audit_finish(audit, &err) == 0, "%s", err.text);
    return story;
}

void again(void)
{
    audit_free(audit);
    audit = NULL;
    story[0] = '\0';
}
