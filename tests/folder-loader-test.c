/* SPDX-License-Identifier: Apache-2.0 */
/* folder-loader-test.c - the built folder.so, driven by a plain for loop as any host may do it. */
#include <config.h>
#include "check-main.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader-plugin.h"

#define ITEMS_MAX 300

static const struct loader_plugin *plugin;
#define FOLDER "/tmp/folder-loader-test-XXXXXX"
static char folder[] = FOLDER;

/* ---- A host that remembers --------------------------------------------------------------------
 */

/* What was noted: one row for each key, as a queue would keep it. */
struct ledger {
    struct {
        char key[400];
        uint32_t step, attempts, fate;
    } rows[ITEMS_MAX];
    size_t count;
    unsigned flushes, warnings;
    bool full;
};

static struct ledger ledger;

static size_t ledger_row(const char *key)
{
    for (size_t i = 0; i < ledger.count; i++)
        if (strcmp(ledger.rows[i].key, key) == 0)
            return i;
    ck_assert_uint_lt(ledger.count, ITEMS_MAX);
    snprintf(ledger.rows[ledger.count].key, sizeof ledger.rows[0].key, "%s", key);
    return ledger.count++;
}

static int ledger_known(void *context, struct loader_record *records, uint64_t count,
                        struct loader_error *err)
{
    (void)context, (void)err;
    for (uint64_t i = 0; i < count; i++) {
        size_t row = ledger_row(records[i].origin.key);
        records[i].step = ledger.rows[row].step;
        records[i].attempts = ledger.rows[row].attempts;
        records[i].fate = ledger.rows[row].fate;
    }
    return 0;
}

static int ledger_note(void *context, const struct loader_record *records, uint64_t count,
                       struct loader_error *err)
{
    (void)context;
    ledger.flushes++;
    if (ledger.full) {
        err->error_class = LOADER_ERROR_STORE;
        snprintf(err->text, sizeof err->text, "disk full");
        return -1;
    }
    for (uint64_t i = 0; i < count; i++) {
        size_t row = ledger_row(records[i].origin.key);
        if (records[i].step == LOADER_STEP_UNKNOWN) {
            ledger.rows[row].attempts -= ledger.rows[row].attempts > 0;
            continue;
        }
        ledger.rows[row].step = records[i].step;
        ledger.rows[row].attempts += records[i].step == LOADER_STEP_ATTEMPTED;
    }
    return 0;
}

static void ledger_log(void *context, uint32_t level, const char *text)
{
    (void)context, (void)text;
    ledger.warnings += level == LOADER_LOG_WARNING;
}

static const struct loader_host host = {
    .struct_size = sizeof(struct loader_host), .api_version = LOADER_API_VERSION,
    .log = ledger_log, .known = ledger_known, .note = ledger_note};

/* ---- A folder -----------------------------------------------------------------------------------
 */

static void set_up(void)
{
    void *library = dlopen("../loader/.libs/folder.so", RTLD_NOW | RTLD_LOCAL);
    ck_assert_msg(library != NULL, "%s", dlerror());
    loader_plugin_function *function;
    *(void **)&function = dlsym(library, LOADER_PLUGIN_SYMBOL);
    plugin = function();
    memcpy(folder, FOLDER, sizeof folder); /* anew: valgrind runs all tests in one process */
    ledger = (struct ledger){0};
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_files(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL)
        return;
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char below[512];
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(below) < 0) {
            remove_files(below);
            rmdir(below);
        }
    }
    closedir(dir);
    rmdir(path);
}

static void tear_down(void)
{
    char hidden[64];
    snprintf(hidden, sizeof hidden, "%s/.hidden.eml", folder);
    unlink(hidden);
    remove_files(folder);
}

static void path_of(const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", folder, name);
}

/* A mail with this subject, @age seconds older than it is. */
static void put(const char *name, const char *subject, int age)
{
    char path[256];
    path_of(name, path);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "From: ann@example.org\r\nSubject: %s\r\n\r\ntext\r\n", subject);
    fclose(file);
    struct timespec times[2] = {{1700000000 - age, 0}, {1700000000 - age, 0}};
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool is_there(const char *name)
{
    char path[256];
    path_of(name, path);
    return access(path, F_OK) == 0;
}

static void *open_with(const char *more, uint32_t flags, uint64_t limit)
{
    char connection[512];
    void *handle = NULL;
    struct loader_error err = {.struct_size = sizeof err};
    snprintf(connection, sizeof connection, "path=%s;%s", folder, more);
    struct loader_settings settings = {.struct_size = sizeof settings, .flags = flags,
                                       .connection = connection, .limit = limit};
    ck_assert_msg(plugin->open(&host, &settings, &handle, &err) == 0, "%s", err.text);
    return handle;
}

/* All subjects until drained, joined; settles each with @fate unless @settle is false. */
static void pick_up(void *handle, bool settle, uint32_t fate, char out[1024])
{
    const struct loader_item *item;
    struct loader_error err = {.struct_size = sizeof err};
    uint64_t tokens[ITEMS_MAX], count = 0;
    enum loader_next next;
    out[0] = '\0';
    while ((next = plugin->next(handle, &item, &err)) == LOADER_NEXT_ITEM) {
        size_t used = strlen(out);
        snprintf(out + used, 1024 - used, "%s%s", used > 0 ? " " : "",
                 item->error != NULL ? "BAD" : item->mail->subject);
        tokens[count++] = item->token;
    }
    ck_assert_msg(next == LOADER_NEXT_DRAINED, "%s", err.text);
    if (settle)
        ck_assert_msg(plugin->settle(handle, tokens, count, fate, &err) == 0, "%s", err.text);
}

static void expect(void *handle, bool settle, uint32_t fate, const char *subjects)
{
    char got[1024];
    pick_up(handle, settle, fate, got);
    ck_assert_str_eq(got, subjects);
}

/* ---- Promises -----------------------------------------------------------------------------------
 */

START_TEST(mail_comes_oldest_first_and_moves_when_settled)
{
    put("b.eml", "second", 10);
    put("a.eml", "third", 5);
    put("c.eml", "first", 20);
    put("d.eml", "fourth", 5);
    void *handle = open_with("", 0, 0);
    expect(handle, true, LOADER_FATE_QUEUED, "first second third fourth");
    ck_assert(is_there("done/a.eml") && is_there("done/c.eml") && !is_there("a.eml"));
    expect(handle, true, LOADER_FATE_QUEUED, "");
    put("e.eml", "later", 0);
    expect(handle, true, LOADER_FATE_QUEUED, "later");
    plugin->close(handle);
}
END_TEST

START_TEST(the_plain_for_loop_of_the_manual_works)
{
    put("a.eml", "one", 2);
    put("b.eml", "two", 1);
    void *handle = open_with("", 0, 0);
    const struct loader_item *item;
    struct loader_error err = {.struct_size = sizeof err};
    unsigned count = 0;
    for (; plugin->next(handle, &item, &err) == LOADER_NEXT_ITEM; count++)
        ck_assert_int_eq(plugin->settle(handle, &item->token, 1, LOADER_FATE_QUEUED, &err), 0);
    ck_assert_uint_eq(count, 2);
    plugin->close(handle);
}
END_TEST

START_TEST(bad_mail_goes_to_its_own_subfolder)
{
    put("a.eml", "one", 0);
    void *handle = open_with("badmail=broken", 0, 0);
    expect(handle, true, LOADER_FATE_BAD, "one");
    ck_assert(is_there("broken/a.eml") && !is_there("a.eml"));
    plugin->close(handle);
}
END_TEST

START_TEST(released_mail_stays_and_comes_again_only_from_another_handle)
{
    put("a.eml", "one", 0);
    void *handle = open_with("", 0, 0);
    expect(handle, true, LOADER_FATE_RELEASE, "one");
    expect(handle, true, LOADER_FATE_RELEASE, "");
    plugin->close(handle);
    ck_assert(is_there("a.eml"));
    handle = open_with("", 0, 0);
    expect(handle, true, LOADER_FATE_QUEUED, "one");
    plugin->close(handle);
}
END_TEST

START_TEST(what_is_not_settled_is_not_handed_out_twice_and_stays)
{
    put("a.eml", "one", 0);
    void *handle = open_with("", 0, 0);
    expect(handle, false, 0, "one");
    expect(handle, false, 0, "");
    plugin->close(handle);
    ck_assert(is_there("a.eml"));
}
END_TEST

START_TEST(read_only_changes_nothing_whatever_is_settled)
{
    put("a.eml", "one", 0);
    void *handle = open_with("", LOADER_READ_ONLY, 0);
    expect(handle, true, LOADER_FATE_QUEUED, "one");
    expect(handle, true, LOADER_FATE_QUEUED, "");
    plugin->close(handle);
    ck_assert(is_there("a.eml") && !is_there("done"));
    ck_assert_uint_eq(ledger.flushes, 0);
}
END_TEST

START_TEST(no_folder_is_opened_for_those_who_may_not_name_one)
{
    char connection[256];
    void *handle;
    struct loader_error err = {.struct_size = sizeof err};
    snprintf(connection, sizeof connection, "path=%s", folder);
    const struct loader_settings settings = {.struct_size = sizeof settings,
                                             .flags = LOADER_GUARDED,
                                             .connection = connection};
    ck_assert_int_eq(plugin->open(&host, &settings, &handle, &err), -1);
    ck_assert_uint_eq(err.error_class, LOADER_ERROR_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "administrator"));
}
END_TEST

START_TEST(a_name_that_is_taken_gets_a_suffix_and_nothing_is_overwritten)
{
    void *handle = open_with("", 0, 0);
    put("a.eml", "one", 3);
    expect(handle, true, LOADER_FATE_QUEUED, "one");
    put("a.eml", "two", 2);
    expect(handle, true, LOADER_FATE_QUEUED, "two");
    put("a.eml", "three", 1);
    expect(handle, true, LOADER_FATE_QUEUED, "three");
    ck_assert(is_there("done/a.eml") && is_there("done/a.eml.1") && is_there("done/a.eml.2"));
    plugin->close(handle);
}
END_TEST

START_TEST(only_plain_files_that_match_are_taken)
{
    char path[256];
    put("a.eml", "one", 0);
    put(".hidden.eml", "hidden", 0);
    put("b.txt", "text", 0);
    path_of("dir.eml", path);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    path_of("fifo.eml", path);
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    path_of("link.eml", path);
    ck_assert_int_eq(symlink("a.eml", path), 0);
    path_of("dangling.eml", path);
    ck_assert_int_eq(symlink("/nonexistent", path), 0);
    void *handle = open_with("", 0, 0);
    expect(handle, true, LOADER_FATE_QUEUED, "one");
    plugin->close(handle);
    handle = open_with("pattern=*.txt", 0, 0);
    expect(handle, true, LOADER_FATE_QUEUED, "text");
    plugin->close(handle);
}
END_TEST

START_TEST(a_file_replaced_before_it_is_settled_stays_and_comes_again)
{
    put("a.eml", "old", 9);
    void *handle = open_with("", 0, 0);
    const struct loader_item *item;
    struct loader_error err = {.struct_size = sizeof err};
    ck_assert_int_eq((int)plugin->next(handle, &item, &err), LOADER_NEXT_ITEM);
    put("new", "new", 0);
    char from[256], to[256];
    path_of("new", from);
    path_of("a.eml", to);
    ck_assert_int_eq(rename(from, to), 0);
    ck_assert_int_eq(plugin->settle(handle, &item->token, 1, LOADER_FATE_QUEUED, &err), 0);
    ck_assert(is_there("a.eml"));
    ck_assert_uint_eq(ledger.warnings, 1);
    expect(handle, true, LOADER_FATE_QUEUED, "");   /* the rest of this pass */
    expect(handle, true, LOADER_FATE_QUEUED, "new");
    plugin->close(handle);
}
END_TEST

START_TEST(mail_stored_before_a_crash_is_moved_quietly)
{
    put("good.eml", "good", 1);
    put("bad.eml", "bad", 0);
    void *handle = open_with("", 0, 0);
    expect(handle, false, 0, "good bad");
    plugin->close(handle); /* the host stored both, then died */
    for (size_t i = 0; i < ledger.count; i++) {
        ledger.rows[i].step = LOADER_STEP_STORED;
        ledger.rows[i].fate = strstr(ledger.rows[i].key, "bad.eml") != NULL ? LOADER_FATE_BAD
                                                                          : LOADER_FATE_QUEUED;
    }
    handle = open_with("", 0, 0);
    expect(handle, false, 0, "");
    plugin->close(handle);
    ck_assert(is_there("done/good.eml") && is_there("bad/bad.eml"));
    for (size_t i = 0; i < ledger.count; i++)
        ck_assert_uint_eq(ledger.rows[i].step, LOADER_STEP_MOVED);
}
END_TEST

START_TEST(a_file_that_crashes_us_three_times_is_set_aside_and_its_neighbours_are_not)
{
    put("killer.eml", "killer", 2);
    put("other.eml", "other", 1);
    const struct loader_item *item;
    struct loader_error err = {.struct_size = sizeof err};
    for (int crash = 0; crash < 3; crash++) { /* the process dies with the first item */
        void *handle = open_with("", 0, 0);
        ck_assert_int_eq((int)plugin->next(handle, &item, &err), LOADER_NEXT_ITEM);
        ck_assert_str_eq(item->mail->subject, "killer");
        struct ledger durable = ledger; /* a dead process takes nothing back */
        plugin->close(handle);
        ledger = durable;
    }
    void *handle = open_with("", 0, 0);
    expect(handle, true, LOADER_FATE_QUEUED, "BAD other");
    plugin->close(handle);
}
END_TEST

START_TEST(what_is_released_or_closed_politely_was_no_attempt)
{
    put("a.eml", "one", 0);
    for (int run = 0; run < 8; run++) {
        void *handle = open_with("", 0, 0);
        expect(handle, run % 2 == 0, LOADER_FATE_RELEASE, "one");
        plugin->close(handle);
        ck_assert_uint_le(ledger.rows[0].attempts, 1);
    }
}
END_TEST

START_TEST(what_was_not_reached_was_no_attempt)
{
    for (int i = 0; i < 5; i++) {
        char name[32];
        snprintf(name, sizeof name, "%d.eml", i);
        put(name, "x", 10 - i);
    }
    for (int run = 0; run < 4; run++) { /* stopped behind the first, or by a limit of one */
        const struct loader_item *item;
        struct loader_error err = {.struct_size = sizeof err};
        void *handle = open_with("", 0, (uint64_t)(run % 2));
        ck_assert_int_eq(plugin->next(handle, &item, &err), LOADER_NEXT_ITEM);
        ck_assert_int_eq(plugin->settle(handle, &item->token, 1, LOADER_FATE_RELEASE, &err), 0);
        if (run % 2 == 1)
            ck_assert_int_eq(plugin->next(handle, &item, &err), LOADER_NEXT_DRAINED);
        plugin->close(handle);
        for (size_t i = 0; i < ledger.count; i++)
            ck_assert_uint_eq(ledger.rows[i].attempts, 0);
    }
}
END_TEST

START_TEST(new_mail_is_noted_as_tried_by_one_flush_for_many)
{
    for (int i = 0; i < 130; i++) {
        char name[32];
        snprintf(name, sizeof name, "%03d.eml", i);
        put(name, "x", 200 - i);
    }
    void *handle = open_with("", 0, 0);
    char got[1024];
    pick_up(handle, false, 0, got);
    ck_assert_uint_eq(ledger.flushes, 3);
    ck_assert_uint_eq(ledger.count, 130);
    for (size_t i = 0; i < ledger.count; i++)
        ck_assert_uint_eq(ledger.rows[i].attempts, 1);
    plugin->close(handle);
}
END_TEST

START_TEST(a_queue_that_cannot_note_stops_the_pick_up)
{
    put("a.eml", "one", 0);
    ledger.full = true;
    void *handle = open_with("", 0, 0);
    const struct loader_item *item;
    struct loader_error err = {.struct_size = sizeof err};
    ck_assert_int_eq((int)plugin->next(handle, &item, &err), LOADER_NEXT_FAILED);
    ck_assert_uint_eq(err.error_class, LOADER_ERROR_STORE);
    plugin->close(handle);
    ck_assert(is_there("a.eml"));
}
END_TEST

START_TEST(mail_above_max_size_is_bad_and_not_read)
{
    put("a.eml", "one", 0);
    void *handle = open_with("maxSize=10", 0, 0);
    const struct loader_item *item;
    struct loader_error err = {.struct_size = sizeof err};
    ck_assert_int_eq((int)plugin->next(handle, &item, &err), LOADER_NEXT_ITEM);
    ck_assert_ptr_nonnull(strstr(item->error, "maxSize"));
    ck_assert(item->mail == NULL && item->raw_bytes == NULL && item->raw_fd == -1);
    ck_assert_uint_gt(item->raw_size, 10);
    plugin->close(handle);
}
END_TEST

START_TEST(a_limit_is_kept_over_all_passes)
{
    put("a.eml", "one", 2);
    put("b.eml", "two", 1);
    put("c.eml", "three", 0);
    void *handle = open_with("", 0, 2);
    expect(handle, true, LOADER_FATE_QUEUED, "one two");
    expect(handle, true, LOADER_FATE_QUEUED, "");
    plugin->close(handle);
}
END_TEST

START_TEST(an_item_names_its_message_and_when_it_came)
{
    put("a.eml", "one", 0);
    void *handle = open_with("", 0, 0);
    const struct loader_item *item;
    struct loader_error err = {.struct_size = sizeof err};
    ck_assert_int_eq((int)plugin->next(handle, &item, &err), LOADER_NEXT_ITEM);
    ck_assert_str_eq(item->item_class, "Mail");
    ck_assert_str_eq(item->origin.mailbox, folder);
    ck_assert_str_eq(item->origin.account, "local");
    ck_assert_uint_eq(item->origin.uid, 0);
    ck_assert_ptr_nonnull(strstr(item->origin.key, ":1700000000000000000:"));
    ck_assert_ptr_nonnull(strstr(item->origin.key, ":a.eml"));
    ck_assert_str_eq(item->mail->date_received, "2023-11-14T22:13:20Z");
    plugin->close(handle);
}
END_TEST

static const struct bad_row {
    const char *connection, *error;
    uint32_t class;
} bad_rows[] = {
    {"", "key 'path' is missing", LOADER_ERROR_USAGE},
    {"path=/nonexistent/x", "cannot open the folder '/nonexistent/x'", LOADER_ERROR_CONFIG},
    {"path=/etc/passwd", "cannot open the folder '/etc/passwd'", LOADER_ERROR_CONFIG},
    {"path=/tmp;dropbox=../x", "'dropbox' must be the name of a subfolder", LOADER_ERROR_USAGE},
    {"path=/tmp;badmail=..", "'badmail' must be the name of a subfolder", LOADER_ERROR_USAGE},
    {"path=/tmp;dropbox=x;badmail=x", "the same subfolder", LOADER_ERROR_USAGE},
    {"path=/tmp;patern=x", "did you mean 'pattern'?", LOADER_ERROR_USAGE},
};

START_TEST(what_cannot_work_is_refused_when_it_is_opened)
{
    struct loader_settings settings = {.struct_size = sizeof settings,
                                       .connection = bad_rows[_i].connection};
    struct loader_error err = {.struct_size = sizeof err};
    void *handle = NULL;
    ck_assert_int_eq(plugin->open(&host, &settings, &handle, &err), -1);
    ck_assert_msg(strstr(err.text, bad_rows[_i].error) != NULL, "%s", err.text);
    ck_assert_uint_eq(err.error_class, bad_rows[_i].class);
    ck_assert_ptr_null(handle);
}
END_TEST

static void report_state(void *context, const char *step, uint32_t state, const char *text)
{
    ck_assert_str_eq(step, "folder");
    ck_assert_str_ne(text, "");
    *(uint32_t *)context = state;
}

START_TEST(check_tells_whether_a_pick_up_would_work)
{
    char connection[256];
    uint32_t state = 99;
    struct loader_error err = {.struct_size = sizeof err};
    snprintf(connection, sizeof connection, "path=%s", folder);
    struct loader_settings settings = {.struct_size = sizeof settings, .connection = connection};
    ck_assert_int_eq(plugin->check(&host, &settings, report_state, &state, &err), 0);
    ck_assert_uint_eq(state, LOADER_CHECK_OK);
    settings.connection = "path=/nonexistent";
    ck_assert_int_eq(plugin->check(&host, &settings, report_state, &state, &err), -1);
    ck_assert_uint_eq(state, LOADER_CHECK_FAILED);
}
END_TEST

START_TEST(parse_reads_one_file_without_a_folder)
{
    put("a.eml", "one", 0);
    char path[256];
    path_of("a.eml", path);
    int fd = open(path, O_RDONLY);
    void *handle = NULL;
    const struct loader_item *item = NULL;
    struct loader_error err = {.struct_size = sizeof err};
    ck_assert_int_eq(plugin->parse(&host, NULL, fd, NULL, &handle, &item, &err), 0);
    ck_assert_str_eq(item->mail->subject, "one");
    ck_assert_uint_eq(item->token, 1);
    plugin->close(handle);
    close(fd);
}
END_TEST

/* What a survey told: "M" the mailbox, "D", "B", or in lower case one that is missing, then
 * messages, those of which the digest came with a '#' behind. */
struct surveyed {
    char story[128];
    uint32_t answer;
    uint64_t last, digests;
};

static void surveyed_note(struct surveyed *surveyed, char what)
{
    size_t len = strlen(surveyed->story);
    ck_assert_uint_lt(len + 1, sizeof surveyed->story);
    surveyed->story[len] = what;
}

static uint32_t surveyed_folder(void *context, const struct loader_folder *told)
{
    struct surveyed *surveyed = context;
    ck_assert_str_eq(told->account, "local");
    ck_assert_uint_eq(surveyed->last, 0); /* before any message */
    bool missing = (told->flags & LOADER_FOLDER_MISSING) != 0;
    surveyed_note(surveyed, (missing ? "mdb" : "MDB")[told->place]);
    return LOADER_ANSWER_GO_ON;
}

static uint32_t surveyed_message(void *context, const struct loader_seen *seen)
{
    struct surveyed *surveyed = context;
    bool again = (seen->flags & LOADER_SEEN_SHA256) != 0;
    ck_assert_uint_eq(seen->number, surveyed->last + (again ? 0 : 1));
    ck_assert_ptr_nonnull(seen->origin.key);
    ck_assert_ptr_nonnull(seen->date_received);
    surveyed->last = seen->number;
    surveyed->digests += again && (seen->sha256[0] | seen->sha256[1] | seen->sha256[2]) != 0;
    surveyed_note(surveyed, again ? '#' : "mdb"[seen->place]);
    return surveyed->answer;
}

static int survey_with(uint32_t answer, struct surveyed *out, struct loader_error *err)
{
    char connection[256];
    snprintf(connection, sizeof connection, "path=%s", folder);
    const struct loader_settings settings = {.struct_size = sizeof settings,
                                             .connection = connection};
    const struct loader_surveyor surveyor = {sizeof surveyor, 0, out, surveyed_folder,
                                             surveyed_message};
    *out = (struct surveyed){.answer = answer};
    return plugin->survey(&host, &settings, &surveyor, err);
}

START_TEST(a_survey_tells_each_place_and_then_each_message_and_digests_on_demand)
{
    struct surveyed surveyed;
    struct loader_error err = {.struct_size = sizeof err};
    put("a.eml", "one", 3);
    void *handle = open_with("", 0, 0);
    expect(handle, true, LOADER_FATE_QUEUED, "one");
    plugin->close(handle);
    put("a.eml", "two", 2);
    put("b.eml", "three", 1);
    ck_assert_int_eq(survey_with(LOADER_ANSWER_GO_ON, &surveyed, &err), 0);
    ck_assert_str_eq(surveyed.story, "MDbmmd");
    ck_assert_int_eq(survey_with(LOADER_ANSWER_SHA256, &surveyed, &err), 0);
    ck_assert_str_eq(surveyed.story, "MDbm#m#d#");
    ck_assert_uint_eq(surveyed.digests, 3);
    ck_assert_int_eq(survey_with(LOADER_ANSWER_STOP, &surveyed, &err), -1);
    ck_assert_str_eq(surveyed.story, "MDbm");
    ck_assert_uint_eq(err.error_class, LOADER_ERROR_CANCELLED);
}
END_TEST

START_TEST(the_table_says_what_the_loader_is)
{
    ck_assert_uint_eq(plugin->struct_size, sizeof *plugin);
    ck_assert_uint_eq(plugin->api_version, LOADER_API_VERSION);
    ck_assert_str_eq(plugin->name, "Folder");
    ck_assert_uint_eq(plugin->option_count, 7);
    for (uint64_t i = 0; i < plugin->option_count; i++)
        ck_assert(plugin->options[i].key != NULL && plugin->options[i].help != NULL);
    plugin->close(NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("folder-loader");
    TCase *t = tcase_create("folder-loader");
    tcase_add_checked_fixture(t, set_up, tear_down);
    tcase_add_test(t, mail_comes_oldest_first_and_moves_when_settled);
    tcase_add_test(t, the_plain_for_loop_of_the_manual_works);
    tcase_add_test(t, bad_mail_goes_to_its_own_subfolder);
    tcase_add_test(t, released_mail_stays_and_comes_again_only_from_another_handle);
    tcase_add_test(t, what_is_not_settled_is_not_handed_out_twice_and_stays);
    tcase_add_test(t, read_only_changes_nothing_whatever_is_settled);
    tcase_add_test(t, no_folder_is_opened_for_those_who_may_not_name_one);
    tcase_add_test(t, a_name_that_is_taken_gets_a_suffix_and_nothing_is_overwritten);
    tcase_add_test(t, only_plain_files_that_match_are_taken);
    tcase_add_test(t, a_file_replaced_before_it_is_settled_stays_and_comes_again);
    tcase_add_test(t, mail_stored_before_a_crash_is_moved_quietly);
    tcase_add_test(t, a_file_that_crashes_us_three_times_is_set_aside_and_its_neighbours_are_not);
    tcase_add_test(t, what_is_released_or_closed_politely_was_no_attempt);
    tcase_add_test(t, what_was_not_reached_was_no_attempt);
    tcase_add_test(t, new_mail_is_noted_as_tried_by_one_flush_for_many);
    tcase_add_test(t, a_queue_that_cannot_note_stops_the_pick_up);
    tcase_add_test(t, mail_above_max_size_is_bad_and_not_read);
    tcase_add_test(t, a_limit_is_kept_over_all_passes);
    tcase_add_test(t, an_item_names_its_message_and_when_it_came);
    tcase_add_loop_test(t, what_cannot_work_is_refused_when_it_is_opened, 0,
                        (int)(sizeof bad_rows / sizeof bad_rows[0]));
    tcase_add_test(t, check_tells_whether_a_pick_up_would_work);
    tcase_add_test(t, parse_reads_one_file_without_a_folder);
    tcase_add_test(t, a_survey_tells_each_place_and_then_each_message_and_digests_on_demand);
    tcase_add_test(t, the_table_says_what_the_loader_is);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
