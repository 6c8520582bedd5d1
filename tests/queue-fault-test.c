/* SPDX-License-Identifier: Apache-2.0 */
/* queue-fault-test.c - each write and flush of the database fails once, or from then on, before or
 * after it took effect: what the queue says of a batch is true whichever it was. */
#include <config.h>
#include "check-main.h"

#include <dirent.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "queue-fixture.h"

/* ---- A file system that fails ---------------------------------------------------------------- */

static struct {
    unsigned at;  /* the operation that fails, counted from 1; 0: none */
    bool stays;   /* and all that follow */
    bool done;    /* it has taken effect before it fails */
    int code;     /* SQLITE_IOERR_FSYNC ... */
    unsigned now; /* operations so far */
    unsigned syncs;
} fault;

static bool fault_strikes(void)
{
    fault.now++;
    return fault.at != 0 && (fault.stays ? fault.now >= fault.at : fault.now == fault.at);
}

struct shim_file {
    sqlite3_file base;
    sqlite3_file *real; /* lies behind this struct */
};

static sqlite3_file *shim_real(sqlite3_file *file)
{
    return ((struct shim_file *)file)->real;
}

#define PASS(name, params, args)                                                                   \
    static int shim_##name params                                                                  \
    {                                                                                              \
        sqlite3_file *real = shim_real(file);                                                      \
        return real->pMethods->name args;                                                          \
    }
#define STRIKE(name, params, args)                                                                 \
    static int shim_##name params                                                                  \
    {                                                                                              \
        sqlite3_file *real = shim_real(file);                                                      \
        if (!fault_strikes())                                                                      \
            return real->pMethods->name args;                                                      \
        if (fault.done)                                                                            \
            (void)real->pMethods->name args;                                                       \
        return fault.code;                                                                         \
    }
PASS(xClose, (sqlite3_file * file), (real))
PASS(xRead, (sqlite3_file * file, void *to, int n, sqlite3_int64 at), (real, to, n, at))
STRIKE(xWrite, (sqlite3_file * file, const void *from, int n, sqlite3_int64 at),
       (real, from, n, at))
STRIKE(xTruncate, (sqlite3_file * file, sqlite3_int64 size), (real, size))
/* No power is cut here: a flush that does not fail need not be made. */
static int shim_xSync(sqlite3_file *file, int flags)
{
    (void)file;
    (void)flags;
    fault.syncs++;
    return fault_strikes() ? fault.code : SQLITE_OK;
}
PASS(xFileSize, (sqlite3_file * file, sqlite3_int64 *size), (real, size))
PASS(xLock, (sqlite3_file * file, int how), (real, how))
PASS(xUnlock, (sqlite3_file * file, int how), (real, how))
PASS(xCheckReservedLock, (sqlite3_file * file, int *out), (real, out))
PASS(xFileControl, (sqlite3_file * file, int what, void *arg), (real, what, arg))
PASS(xSectorSize, (sqlite3_file * file), (real))
PASS(xDeviceCharacteristics, (sqlite3_file * file), (real))
PASS(xShmMap, (sqlite3_file * file, int page, int size, int extend, void volatile **out),
     (real, page, size, extend, out))
PASS(xShmLock, (sqlite3_file * file, int at, int n, int flags), (real, at, n, flags))
PASS(xShmUnmap, (sqlite3_file * file, int remove), (real, remove))

static void shim_xShmBarrier(sqlite3_file *file)
{
    shim_real(file)->pMethods->xShmBarrier(shim_real(file));
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2,
    .xClose = shim_xClose,
    .xRead = shim_xRead,
    .xWrite = shim_xWrite,
    .xTruncate = shim_xTruncate,
    .xSync = shim_xSync,
    .xFileSize = shim_xFileSize,
    .xLock = shim_xLock,
    .xUnlock = shim_xUnlock,
    .xCheckReservedLock = shim_xCheckReservedLock,
    .xFileControl = shim_xFileControl,
    .xSectorSize = shim_xSectorSize,
    .xDeviceCharacteristics = shim_xDeviceCharacteristics,
    .xShmMap = shim_xShmMap,
    .xShmLock = shim_xShmLock,
    .xShmBarrier = shim_xShmBarrier,
    .xShmUnmap = shim_xShmUnmap,
};

static sqlite3_vfs *real_vfs;

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    struct shim_file *shim = (struct shim_file *)file;
    shim->real = (sqlite3_file *)(void *)(shim + 1);
    int code = real_vfs->xOpen(real_vfs, name, shim->real, flags, out);
    shim->base.pMethods = shim->real->pMethods == NULL ? NULL : &shim_methods;
    return code;
}

static void shim_install(void)
{
    static sqlite3_vfs shim;
    if (real_vfs != NULL)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    shim = *real_vfs;
    shim.zName = "fails";
    shim.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
    shim.xOpen = shim_open;
    ck_assert_int_eq(sqlite3_vfs_register(&shim, 1), SQLITE_OK);
}

/* ---- What is done under faults --------------------------------------------------------------- */

static struct queue_fixture f;

static uint8_t large[QUEUE_INLINE_MAX + 100];
static int content_fd; /* the content of message 3 */
static size_t content_size;

/* Above this pages are written before the commit. What fails then rolls back by itself, and where
 * the database cannot be asked afterwards whether an entry needs the large message's file, that is
 * left: it does no harm, and is replaced. */
#define CACHE (1u << 20)

static void make_content(size_t size)
{
    content_size = size;
    content_fd = memfd_create("content", MFD_CLOEXEC);
    for (size_t i = 0; i < size; i += 10)
        ck_assert_int_gt(dprintf(content_fd, "%*zu", size - i < 10 ? (int)(size - i) : 10, i), 0);
}

/* Messages 2 to 4 in one batch, the last one large, and the one before with large content. */
static enum queue_commit_result put_batch(void)
{
    for (uint32_t uid = 2; uid <= 4; uid++) {
        struct queue_item item = queue_fixture_item(uid);
        if (uid == 3) {
            item.content_fd = content_fd;
            item.content_filed = content_size;
        }
        if (uid == 4) {
            item.raw_bytes = large;
            item.raw_size = sizeof large;
        }
        if (queue_put(f.queue, &item, &f.err) == QUEUE_PUT_FAILED)
            return QUEUE_COMMIT_FAILED;
    }
    return queue_commit(f.queue, &f.err);
}

static bool large_is_there(void)
{
    char id[QUEUE_ID_TEXT], path[256];
    queue_fixture_id(4, id);
    (void)snprintf(path, sizeof path, "%s/q/raw/%s", f.dir, id);
    return access(path, F_OK) == 0;
}

static void check_large(void)
{
    char id[QUEUE_ID_TEXT];
    int fd;
    queue_fixture_id(4, id);
    ck_well(&f, queue_raw(f.queue, id, &fd, &f.err));
    close(fd);
}

static void check_content(void)
{
    char id[QUEUE_ID_TEXT];
    AUTO(queue_entry) entry = NULL;
    char *want = mmap(NULL, content_size, PROT_READ, MAP_PRIVATE, content_fd, 0);
    queue_fixture_id(3, id);
    ck_well(&f, queue_get(f.queue, id, &entry, &f.err));
    ck_assert_uint_eq(entry->content_size, content_size);
    ck_assert(memcmp(entry->content, want, content_size) == 0);
    munmap(want, content_size);
}

/* What it said holds for this handle, and for one that is opened afterwards. */
static void check_said(enum queue_commit_result said)
{
    for (unsigned turn = 0; turn < 2; turn++) {
        size_t count = queue_fixture_count(&f);
        if (said == QUEUE_COMMITTED) {
            ck_assert_uint_eq(count, 4);
            check_large();
            check_content();
        } else if (said == QUEUE_COMMIT_FAILED) {
            ck_assert_uint_eq(count, 1);
        } else {
            ck_assert(count == 1 || count == 4);
        }
        if (turn == 0)
            queue_fixture_reopen(&f);
    }
}

/* false: the fault lay behind the last operation. */
static bool try_batch(unsigned at, bool stays, bool done, int code)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    queue_fixture_add(&f, 1, 1);
    memset(&fault, 0, sizeof fault);
    fault.at = at;
    fault.stays = stays;
    fault.done = done;
    fault.code = code;
    enum queue_commit_result said = put_batch();
    bool struck = fault.now >= at;
    fault.at = 0;
    ck_assert_msg(struck || said == QUEUE_COMMITTED, "%s", f.err.text);
    if (said != QUEUE_COMMITTED)
        ck_assert_int_ne(f.err.class, ERROR_MAIL); /* never the mail's fault */
    check_said(said);
    if (said == QUEUE_COMMIT_FAILED && !(stays && content_size > CACHE))
        ck_assert(!large_is_there());
    ck_assert_int_eq(put_batch(), QUEUE_COMMITTED);
    check_said(QUEUE_COMMITTED);
    queue_fixture_done(&f);
    return struck;
}

static const struct fault_row {
    bool stays, done;
    int code;
} fault_rows[] = {
    {false, false, SQLITE_IOERR_WRITE}, {false, true, SQLITE_IOERR_FSYNC},
    {true, false, SQLITE_IOERR_WRITE},  {true, true, SQLITE_IOERR_FSYNC},
    {true, false, SQLITE_FULL},
};

START_TEST(what_is_said_of_a_batch_is_true_whichever_write_or_flush_failed)
{
    shim_install();
    const struct fault_row *row = &fault_rows[_i];
    unsigned at = 1;
    make_content((256u << 10) + 3);
    while (try_batch(at, row->stays, row->done, row->code))
        at++;
    ck_assert_uint_gt(at, 5); /* the shim was in the way indeed */
    close(content_fd);
}
END_TEST

/* Its pages are written while it is put, and there are too many to try each. */
START_TEST(what_is_said_of_a_batch_larger_than_the_page_cache_is_true_whichever_write_failed)
{
    shim_install();
    const struct fault_row *row = &fault_rows[_i];
    unsigned at = 1;
    make_content(3u << 20);
    while (try_batch(at, row->stays, row->done, row->code))
        at += 53;
    ck_assert_uint_gt(at, 300);
    close(content_fd);
}
END_TEST

/* false: as above. */
static bool try_note(unsigned at, const struct fault_row *row)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    queue_fixture_add(&f, 1, 1);
    memset(&fault, 0, sizeof fault);
    fault.at = at;
    fault.stays = row->stays;
    fault.done = row->done;
    fault.code = row->code;
    const struct queue_record record = {
        .origin = queue_fixture_item(1).origin, .step = QUEUE_STEP_MOVING, .target = "DROPBOX"};
    int said = queue_note(f.queue, &record, 1, &f.err);
    bool struck = fault.now >= at;
    fault.at = 0;
    ck_assert(struck || said == 0);
    if (said == 0)
        ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_MOVING);
    queue_fixture_note(&f, 1, QUEUE_STEP_MOVED);
    queue_fixture_reopen(&f);
    ck_assert_int_eq(queue_fixture_record(&f, 1).step, QUEUE_STEP_MOVED);
    queue_fixture_done(&f);
    return struck;
}

START_TEST(a_step_that_was_noted_is_there_whichever_write_or_flush_failed)
{
    shim_install();
    unsigned at = 1;
    while (try_note(at, &fault_rows[_i]))
        at++;
    ck_assert_uint_gt(at, 2);
}
END_TEST

/* Before each step but the last one something has to be on disk. */
START_TEST(only_a_step_that_nothing_depends_on_waits_for_the_next_flush)
{
    static const struct {
        enum queue_step step;
        bool flushed;
    } rows[] = {{QUEUE_STEP_ATTEMPTED, true}, {QUEUE_STEP_UNKNOWN, false},
                {QUEUE_STEP_STORED, true},    {QUEUE_STEP_MOVING, true},
                {QUEUE_STEP_COPIED, true},    {QUEUE_STEP_DELETING, true},
                {QUEUE_STEP_MOVED, false},    {QUEUE_STEP_MOVING, true}};
    shim_install();
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    queue_fixture_add(&f, 1, 1);
    memset(&fault, 0, sizeof fault);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fault.syncs = 0;
        queue_fixture_note(&f, 1, rows[i].step);
        ck_assert_msg((fault.syncs > 0) == rows[i].flushed, "step %d: %u flushes",
                      (int)rows[i].step, fault.syncs);
    }
    queue_fixture_done(&f);
}
END_TEST

static bool try_work(unsigned at, const struct fault_row *row)
{
    queue_fixture_init(&f, QUEUE_FIXTURE_SQLITE);
    queue_fixture_add(&f, 1, 1);
    memset(&fault, 0, sizeof fault);
    fault.at = at;
    fault.stays = row->stays;
    fault.done = row->done;
    fault.code = row->code;
    AUTO(queue_entry) entry = NULL;
    int said = queue_take(f.queue, NULL, 60, &entry, &f.err);
    if (said == 0)
        said = queue_done(f.queue, entry->id, entry->fence, &f.err);
    bool struck = fault.now >= at;
    fault.at = 0;
    ck_assert(struck || said == 0);
    char id[QUEUE_ID_TEXT];
    queue_fixture_id(1, id);
    queue_fixture_reopen(&f);
    AUTO(queue_entry) found = NULL;
    ck_well(&f, queue_get(f.queue, id, &found, &f.err));
    if (said == 0)
        ck_assert_int_eq(found->state, QUEUE_DONE);
    queue_fixture_done(&f);
    return struck;
}

START_TEST(an_entry_that_was_done_stays_done_whichever_write_or_flush_failed)
{
    shim_install();
    unsigned at = 1;
    while (try_work(at, &fault_rows[_i]))
        at++;
    ck_assert_uint_gt(at, 4);
}
END_TEST

static Suite *suite(void)
{
    const int rows = sizeof fault_rows / sizeof fault_rows[0];
    Suite *s = suite_create("queue faults");
    TCase *faults = tcase_create("faults");
    tcase_set_timeout(faults, 120);
    tcase_add_test(faults,
                   only_a_step_that_nothing_depends_on_waits_for_the_next_flush);
    tcase_add_loop_test(faults, what_is_said_of_a_batch_is_true_whichever_write_or_flush_failed, 0,
                        rows);
    tcase_add_loop_test(
        faults, what_is_said_of_a_batch_larger_than_the_page_cache_is_true_whichever_write_failed,
        0, sizeof fault_rows / sizeof fault_rows[0]);
    tcase_add_loop_test(faults, a_step_that_was_noted_is_there_whichever_write_or_flush_failed, 0,
                        rows);
    tcase_add_loop_test(faults, an_entry_that_was_done_stays_done_whichever_write_or_flush_failed,
                        0, rows);
    suite_add_tcase(s, faults);
    return s;
}

CHECK_MAIN(suite)
