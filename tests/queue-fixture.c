/* SPDX-License-Identifier: Apache-2.0 */
/* queue-fixture.c - see queue-fixture.h. */
#include <config.h>
#include "queue-fixture.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const queue_fixture_kinds[] = {"memory", "sqlite"};

static int64_t fixture_unix_s(void *context)
{
    return ((struct queue_fixture *)context)->now_s;
}

static uint64_t fixture_monotonic_ms(void *context)
{
    return (uint64_t)((struct queue_fixture *)context)->now_s * 1000;
}

static int fixture_remove(const char *path, const struct stat *info, int type, struct FTW *ftw)
{
    (void)info;
    (void)type;
    (void)ftw;
    return remove(path);
}

void queue_fixture_remove(const char *folder)
{
    (void)nftw(folder, fixture_remove, 16, FTW_DEPTH | FTW_PHYS);
}

void queue_fixture_init(struct queue_fixture *fixture, int kind)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->now_s = 1000;
    fixture->clock = (struct clock){fixture_monotonic_ms, fixture_unix_s, fixture};
    /* Not in /tmp: the build folder is on a disk that files without a name can be linked on. */
    (void)snprintf(fixture->dir, sizeof fixture->dir, "queue-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(fixture->dir));
    fixture->keeps = kind == QUEUE_FIXTURE_SQLITE;
    if (fixture->keeps)
        (void)snprintf(fixture->url, sizeof fixture->url, "sqlite:%s/q", fixture->dir);
    else
        (void)snprintf(fixture->url, sizeof fixture->url, "memory:");
    ck_well(fixture,
            queue_open(fixture->url, NULL, &fixture->clock, &fixture->queue, &fixture->err));
}

void queue_fixture_done(struct queue_fixture *fixture)
{
    queue_close(fixture->queue);
    fixture->queue = NULL;
    queue_fixture_remove(fixture->dir);
}

void queue_fixture_reopen(struct queue_fixture *fixture)
{
    queue_close(fixture->queue);
    fixture->queue = NULL;
    ck_well(fixture,
            queue_open(fixture->url, NULL, &fixture->clock, &fixture->queue, &fixture->err));
}

struct queue_item queue_fixture_item(uint32_t uid)
{
    static const char raw[] = "Subject: hello\r\n\r\nworld\r\n";
    return (struct queue_item){
        .origin = {"IMAP", "ann@mail.example.org", "INBOX", 7, uid, NULL},
        .class = "Mail",
        .queue = "default",
        .source = "office",
        .content = "{\"subject\":\"hello\"}",
        .content_size = 19,
        .sender = "Ben <ben@example.org>",
        .subject = "hello",
        .date_received = "2026-03-01T12:00:00+02:00",
        .raw_bytes = (const uint8_t *)raw,
        .raw_size = sizeof raw - 1,
        .raw_fd = -1,
        .raw_sha256 = {1, 2, 3},
    };
}

void queue_fixture_add(struct queue_fixture *fixture, uint32_t first, uint32_t last)
{
    for (uint32_t uid = first; uid <= last; uid++) {
        struct queue_item item = queue_fixture_item(uid);
        ck_assert_msg(queue_put(fixture->queue, &item, &fixture->err) == QUEUE_PUT_ADDED, "%s",
                      fixture->err.text);
    }
    ck_well(fixture, queue_commit(fixture->queue, &fixture->err));
}

void queue_fixture_id(uint32_t uid, char out_id[QUEUE_ID_TEXT])
{
    struct queue_item item = queue_fixture_item(uid);
    char key[QUEUE_KEY_MAX];
    ck_assert_int_eq(queue_origin_key(&item.origin, key, NULL), 0);
    queue_entry_id(key, out_id);
}

static int fixture_count_one(void *context, const struct queue_entry *entry)
{
    (void)entry;
    ++*(size_t *)context;
    return 0;
}

size_t queue_fixture_count(struct queue_fixture *fixture)
{
    size_t count = 0;
    const struct queue_filter all = {0};
    ck_well(fixture, queue_list(fixture->queue, &all, fixture_count_one, &count, &fixture->err));
    return count;
}

static int fixture_write_uid(void *context, const struct queue_entry *entry)
{
    char *text = context;
    size_t len = strlen(text);
    (void)snprintf(text + len, 1024 - len, "%s%u", len == 0 ? "" : " ", entry->uid);
    return 0;
}

const char *queue_fixture_uids(struct queue_fixture *fixture, const struct queue_filter *filter)
{
    static char text[1024];
    text[0] = '\0';
    ck_well(fixture, queue_list(fixture->queue, filter, fixture_write_uid, text, &fixture->err));
    return text;
}

struct queue_record queue_fixture_record(struct queue_fixture *fixture, uint32_t uid)
{
    struct queue_record record = {.origin = queue_fixture_item(uid).origin, .attempts = 99};
    ck_well(fixture, queue_known(fixture->queue, &record, 1, &fixture->err));
    return record;
}

void queue_fixture_note(struct queue_fixture *fixture, uint32_t uid, enum queue_step step)
{
    const struct queue_record record = {.origin = queue_fixture_item(uid).origin,
                                        .step = step,
                                        .target_uidvalidity = 3,
                                        .target_uid = 40,
                                        .target = "DROPBOX"};
    ck_well(fixture, queue_note(fixture->queue, &record, 1, &fixture->err));
}
