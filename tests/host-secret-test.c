/* SPDX-License-Identifier: Apache-2.0 */
/* host-secret-test.c - promises about passwords on their way in, and attachments on their way
 * out. */
#include <config.h>
#include "check-main.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "save.h"
#include "secret.h"
#include "secret-shadow.h"
#include "text.h"

static struct error err;
static char folder[64], file[128];

static void make_folder(void)
{
    text_copy(folder, sizeof folder, "/tmp/mailchute-secret-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/password", folder);
}

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

static void write_file(const void *bytes, size_t count, mode_t mode)
{
    AUTO_FD fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, count), (ssize_t)count);
    ck_assert_int_eq(fchmod(fd, mode), 0);
}

/* ---- Secrets --------------------------------------------------------------------------------- */

static const struct {
    const char *content, *secret; /* NULL: refused */
} contents[] = {
    {"hunter2", "hunter2"},       {"hunter2\n", "hunter2"},    {"hunter2\r\n", "hunter2"},
    {"hunter2\n\n", "hunter2\n"}, {" with spaces ", " with spaces "},
    {"two\nlines\n", "two\nlines"}, {"\xC3\xA4\xFF", "\xC3\xA4\xFF"},
    {"", NULL},                   {"\n", NULL},                {"\r\n", NULL},
};

START_TEST(of_a_password_file_one_line_end_is_dropped_and_nothing_else)
{
    write_file(contents[_i].content, strlen(contents[_i].content), 0600);
    AUTO(secret) secret = NULL;
    bool wide = true;
    if (contents[_i].secret == NULL) {
        ck_assert_int_eq(secret_from_file(file, &secret, &wide, &err), -1);
        ck_assert_ptr_nonnull(strstr(err.text, "empty"));
        return;
    }
    ck_assert_int_eq(secret_from_file(file, &secret, &wide, &err), 0);
    ck_assert_str_eq(secret_text(secret), contents[_i].secret);
    ck_assert(!wide);
}
END_TEST

START_TEST(a_password_of_the_largest_size_is_taken_and_one_byte_more_refused)
{
    static char bytes[SECRET_MAX + 1];
    memset(bytes, 'x', sizeof bytes);
    AUTO(secret) secret = NULL;
    AUTO(secret) none = NULL;
    write_file(bytes, SECRET_MAX, 0600);
    ck_assert_int_eq(secret_from_file(file, &secret, NULL, &err), 0);
    ck_assert_uint_eq(strlen(secret_text(secret)), SECRET_MAX);
    write_file(bytes, SECRET_MAX + 1, 0600);
    ck_assert_int_eq(secret_from_file(file, &none, NULL, &err), -1);
}
END_TEST

START_TEST(a_password_with_a_nul_is_refused_and_not_told)
{
    AUTO(secret) secret = NULL;
    write_file("canary\0x", 8, 0600);
    ck_assert_int_eq(secret_from_file(file, &secret, NULL, &err), -1);
    ck_assert_ptr_null(strstr(err.text, "canary"));
}
END_TEST

START_TEST(a_file_that_others_may_read_is_told)
{
    AUTO(secret) secret = NULL;
    bool wide = false;
    write_file("hunter2", 7, 0640);
    ck_assert_int_eq(secret_from_file(file, &secret, &wide, &err), 0);
    ck_assert(wide);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
    AUTO(secret) secret = NULL;
    ck_assert_int_eq(secret_from_file("/nowhere/password", &secret, NULL, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "/nowhere/password"));
}
END_TEST

START_TEST(a_process_with_a_password_leaves_no_core)
{
    AUTO(secret) secret = NULL;
    struct rlimit core;
    write_file("hunter2", 7, 0600);
    ck_assert_int_eq(secret_from_file(file, &secret, NULL, &err), 0);
    ck_assert_int_eq(prctl(PR_GET_DUMPABLE), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_CORE, &core), 0);
    ck_assert_uint_eq(core.rlim_cur, 0);
}
END_TEST

START_TEST(a_systemd_credential_is_read_when_there_is_one)
{
    AUTO(secret) secret = NULL;
    unsetenv("CREDENTIALS_DIRECTORY");
    ck_assert_int_eq(secret_from_credentials("password", &secret, &err), 0);
    ck_assert_ptr_null(secret);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    ck_assert_int_eq(secret_from_credentials("password", &secret, &err), 0);
    ck_assert_ptr_null(secret);
    write_file("hunter2\n", 8, 0400);
    ck_assert_int_eq(secret_from_credentials("password", &secret, &err), 0);
    ck_assert_str_eq(secret_text(secret), "hunter2");
}
END_TEST

START_TEST(a_password_is_taken_out_of_texts_wherever_it_stands)
{
    AUTO(secret) secret = NULL;
    write_file("hunter2", 7, 0600);
    ck_assert_int_eq(secret_from_file(file, &secret, NULL, &err), 0);
    char text[] = "hunter2: NO hunter2hunter2 is wrong, hunter3";
    secret_hide(secret, text);
    ck_assert_str_eq(text, "***: NO ****** is wrong, hunter3");
}
END_TEST

/* ---- What is kept of them -------------------------------------------------------------------- */

static struct secret *given(const char *text)
{
    struct secret *secret = NULL;
    ck_assert_int_eq(secret_from_bytes(text, strlen(text), "the test", &secret, &err), 0);
    return secret;
}

static struct secret_shadow shadow_of(const struct secret *secret)
{
    struct secret_shadow shadow;
    memset(&shadow, 'x', sizeof shadow);
    ck_assert_int_eq(secret_shadow_cast(secret, &shadow, &err), 0);
    return shadow;
}

static const struct {
    const char *secret, *text;
} echoes[] = {
    {"hunter2", "hunter2: NO hunter2hunter2 is wrong, hunter3"},
    {"hunter2", "hunter2"},
    {"hunter2", "hunter"},
    {"hunter2", ""},
    {"hunter2", "NO hunter2"},
    {"hunter2", "huhunter2nter2"},
    {"aaaa", "aaaaaaaaa aaa"},
    {"abab", "xabababab"},
    {"abc", "abc"}, /* shorter than SECRET_HIDE_MIN */
    {"abcd", "abcd"},
    {"****", "********"},
    {"p\xC3\xA4ss w\tord\"", "NO 'p\xC3\xA4ss w\tord\"' p\xC3ss"},
};

START_TEST(what_is_kept_of_a_password_hides_what_the_password_itself_would)
{
    char want[64], got[64];
    text_copy(want, sizeof want, echoes[_i].text);
    text_copy(got, sizeof got, echoes[_i].text);
    AUTO(secret) secret = given(echoes[_i].secret);
    struct secret_shadow shadow = shadow_of(secret);
    secret_hide(secret, want);
    secret_free(TAKE(secret));
    secret_shadow_hide(&shadow, got);
    ck_assert_str_eq(got, want);
}
END_TEST

START_TEST(the_longest_password_is_hidden_too)
{
    static char bytes[SECRET_MAX + 1], text[2 * SECRET_MAX];
    memset(bytes, 'x', SECRET_MAX);
    AUTO(secret) secret = given(bytes);
    struct secret_shadow shadow = shadow_of(secret);
    snprintf(text, sizeof text, "NO %s, really", bytes);
    secret_shadow_hide(&shadow, text);
    ck_assert_str_eq(text, "NO ***, really");
}
END_TEST

START_TEST(what_is_kept_of_no_password_hides_nothing)
{
    const struct secret_shadow shadows[] = {shadow_of(NULL), {0}};
    for (size_t i = 0; i < 2; i++) {
        char text[] = "NO xxxx";
        secret_shadow_hide(&shadows[i], text);
        ck_assert_str_eq(text, "NO xxxx");
    }
}
END_TEST

START_TEST(what_is_kept_of_a_password_is_short_and_another_in_each_process)
{
    static const char password[] = "a password of many words, as some like it";
    AUTO(secret) secret = given(password);
    int ends[2];
    uint64_t others = 0;
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork(); /* no shadow was cast yet: it makes a key of its own */
    if (child == 0) {
        struct secret_shadow shadow = shadow_of(secret);
        _exit(write(ends[1], &shadow.hash, sizeof shadow.hash) == (ssize_t)sizeof shadow.hash ? 0
                                                                                              : 1);
    }
    struct secret_shadow ours = shadow_of(secret);
    ck_assert_int_eq(read(ends[0], &others, sizeof others), (ssize_t)sizeof others);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    ck_assert_uint_le(sizeof ours, 16);
    ck_assert_uint_ne(ours.hash, others);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

/* ---- Attachments ----------------------------------------------------------------------------- */

static const struct {
    const char *name, *clean;
} names[] = {
    {"report.pdf", "report.pdf"},
    {"../../etc/passwd", ".._.._etc_passwd"},
    {"..", "_"},
    {".", "_"},
    {"", "_"},
    {"C:\\x\\y.exe", "C:_x_y.exe"},
    {"a\r\nb\x1b", "a__b_"},
    {"evil\xE2\x80\xAE" "fdp.exe", "evil_fdp.exe"},
    {"x\xE2\x81\xA6y", "x_y"},
    {"bad\xFFutf", "bad_utf"},
    {"\xC3\xA4\xE2\x82\xAC", "\xC3\xA4\xE2\x82\xAC"},
    {"c1\xC2\x9B", "c1_"},
};

START_TEST(a_name_becomes_one_harmless_component)
{
    char clean[64];
    save_clean_name(names[_i].name, clean, sizeof clean);
    ck_assert_str_eq(clean, names[_i].clean);
}
END_TEST

static char inside[128];

static struct save *open_save(const char *sub)
{
    struct save *save = NULL;
    snprintf(inside, sizeof inside, "%s/out", folder);
    ck_assert_int_eq(save_open(inside, sub, &save, &err), 0);
    return save;
}

static int feed(struct save *save, uint32_t ordinal, const char *text)
{
    const struct loader_sink *sink = save_sink(save);
    return sink->attachment(sink->context, ordinal, (const uint8_t *)text, strlen(text));
}

static void assert_content(const char *path, const char *want)
{
    char whole[512], got[64] = "";
    snprintf(whole, sizeof whole, "%s/%s", inside, path);
    FILE *in = fopen(whole, "r");
    ck_assert_msg(in != NULL, "%s is missing", whole);
    size_t n = fread(got, 1, sizeof got - 1, in);
    fclose(in);
    got[n] = '\0';
    ck_assert_str_eq(got, want);
}

static size_t count_files(const char *path)
{
    size_t n = 0;
    DIR *dir = opendir(path);
    for (struct dirent *at = NULL; dir != NULL && (at = readdir(dir)) != NULL;)
        n += strcmp(at->d_name, ".") != 0 && strcmp(at->d_name, "..") != 0;
    if (dir != NULL)
        closedir(dir);
    return n;
}

START_TEST(pieces_of_nested_attachments_find_their_files)
{
    static const struct loader_attachment list[] = {{.filename = "../a.txt"}, {.filename = NULL},
                                                    {.filename = "b"}};
    const struct loader_mail mail = {.struct_size = sizeof mail, .attachments = list,
                                     .attachment_count = 3};
    AUTO(save) save = open_save("x.eml");
    ck_assert_int_eq(feed(save, 1, "one "), 0);
    ck_assert_int_eq(feed(save, 2, "two"), 0);
    ck_assert_int_eq(feed(save, 1, "more"), 0);
    ck_assert_int_eq(feed(save, 3, ""), 0);
    ck_assert_int_eq(save_finish(save, &mail, &err), 0);
    assert_content("x.eml/1-.._a.txt", "one more");
    assert_content("x.eml/2-_", "two");
    assert_content("x.eml/3-b", "");
}
END_TEST

START_TEST(what_was_not_finished_is_removed)
{
    struct save *save = open_save(NULL);
    ck_assert_int_eq(feed(save, 1, "half"), 0);
    save_free(save);
    ck_assert_uint_eq(count_files(inside), 0);
}
END_TEST

START_TEST(nothing_is_overwritten_and_no_link_followed)
{
    static const struct loader_attachment list[] = {{.filename = "a"}};
    const struct loader_mail mail = {.struct_size = sizeof mail, .attachments = list,
                                     .attachment_count = 1};
    char link[256];
    struct save *save = open_save(NULL);
    write_file("precious", 8, 0600);
    ck_assert_int_eq(feed(save, 1, "x"), 0);
    snprintf(link, sizeof link, "%s/1-a", inside);
    ck_assert_int_eq(symlink(file, link), 0);
    ck_assert_int_eq(save_finish(save, &mail, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CREATE);
    save_free(save);
    snprintf(inside, sizeof inside, "%s", folder);
    assert_content("password", "precious");
}
END_TEST

START_TEST(a_folder_inside_may_not_be_a_link)
{
    char link[256];
    snprintf(inside, sizeof inside, "%s/out", folder);
    ck_assert_int_eq(mkdir(inside, 0700), 0);
    snprintf(link, sizeof link, "%s/x.eml", inside);
    ck_assert_int_eq(symlink("/tmp", link), 0);
    AUTO(save) save = open_save("x.eml");
    ck_assert_int_ne(feed(save, 1, "x"), 0);
    ck_assert_int_eq(save_finish(save, NULL, &err), -1);
}
END_TEST

START_TEST(an_absurd_ordinal_is_refused)
{
    static const uint32_t ordinals[] = {0, SAVE_ORDINALS_MAX, UINT32_MAX};
    for (size_t i = 0; i < sizeof ordinals / sizeof ordinals[0]; i++) {
        AUTO(save) save = open_save(NULL);
        ck_assert_int_ne(feed(save, ordinals[i], "x"), 0);
        ck_assert_int_eq(save_finish(save, NULL, &err), -1);
    }
}
END_TEST

START_TEST(a_long_name_is_cut_and_keeps_its_extension)
{
    char name[600];
    memset(name, 'x', sizeof name);
    memcpy(name + 500, ".pdf", sizeof ".pdf");
    const struct loader_attachment list[] = {{.filename = name}};
    const struct loader_mail mail = {.struct_size = sizeof mail, .attachments = list,
                                     .attachment_count = 1};
    AUTO(save) save = open_save(NULL);
    ck_assert_int_eq(feed(save, 1, "x"), 0);
    ck_assert_int_eq(save_finish(save, &mail, &err), 0);
    name[249] = '\0';
    char want[sizeof name + 8];
    snprintf(want, sizeof want, "1-%s.pdf", name);
    ck_assert_uint_eq(strlen(want), 255);
    assert_content(want, "x");
}
END_TEST

#define COUNT(array) ((int)(sizeof(array) / sizeof((array)[0])))

static Suite *suite(void)
{
    Suite *all = suite_create("secret");
    TCase *secrets = tcase_create("secrets");
    tcase_add_checked_fixture(secrets, make_folder, remove_folder);
    tcase_add_loop_test(secrets, of_a_password_file_one_line_end_is_dropped_and_nothing_else, 0,
                        COUNT(contents));
    tcase_add_test(secrets, a_password_of_the_largest_size_is_taken_and_one_byte_more_refused);
    tcase_add_test(secrets, a_password_with_a_nul_is_refused_and_not_told);
    tcase_add_test(secrets, a_file_that_others_may_read_is_told);
    tcase_add_test(secrets, a_file_that_is_not_there_is_named);
    tcase_add_test(secrets, a_process_with_a_password_leaves_no_core);
    tcase_add_test(secrets, a_systemd_credential_is_read_when_there_is_one);
    tcase_add_test(secrets, a_password_is_taken_out_of_texts_wherever_it_stands);
    suite_add_tcase(all, secrets);
    TCase *shadows = tcase_create("shadows");
    tcase_add_loop_test(shadows, what_is_kept_of_a_password_hides_what_the_password_itself_would, 0,
                        COUNT(echoes));
    tcase_add_test(shadows, the_longest_password_is_hidden_too);
    tcase_add_test(shadows, what_is_kept_of_no_password_hides_nothing);
    tcase_add_test(shadows, what_is_kept_of_a_password_is_short_and_another_in_each_process);
    suite_add_tcase(all, shadows);
    TCase *saves = tcase_create("saves");
    tcase_add_checked_fixture(saves, make_folder, remove_folder);
    tcase_add_loop_test(saves, a_name_becomes_one_harmless_component, 0, COUNT(names));
    tcase_add_test(saves, pieces_of_nested_attachments_find_their_files);
    tcase_add_test(saves, what_was_not_finished_is_removed);
    tcase_add_test(saves, nothing_is_overwritten_and_no_link_followed);
    tcase_add_test(saves, a_folder_inside_may_not_be_a_link);
    tcase_add_test(saves, an_absurd_ordinal_is_refused);
    tcase_add_test(saves, a_long_name_is_cut_and_keeps_its_extension);
    suite_add_tcase(all, saves);
    return all;
}

CHECK_MAIN(suite)
