/* SPDX-License-Identifier: Apache-2.0 */
/* vault-test.c - passwords that are kept: sealed in the queue, or fetched each time they are
 * needed. */
#include <config.h>
#include "check-main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "source-secret.h"
#include "text.h"
#include "vault.h"

#define CANARY "canary-5ecret-0f-the-test"

static struct error err;
static char folder[64];
static char id_a[QUEUE_ID_TEXT], id_b[QUEUE_ID_TEXT];

static void setup(void)
{
    text_copy(folder, sizeof folder, "/tmp/mailchute-vault-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    queue_source_id(id_a);
    queue_source_id(id_b);
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void teardown(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    ck_assert_int_eq(system(command), 0);
}

#define ck_well(call) ck_assert_msg((call) == 0, "%s: %s", #call, err.text)

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text, size_t count, mode_t mode)
{
    AUTO_FD fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, mode);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, count), (ssize_t)count);
    ck_assert_int_eq(fchmod(fd, mode), 0);
}

static struct vault *open_vault(void)
{
    struct vault *vault = NULL;
    ck_well(vault_open(folder, &vault, &err));
    return vault;
}

/* @CANARY sealed for id_a. *out_size may be NULL; the bytes are yours. */
static uint8_t *seal(const struct vault *vault, size_t *out_size)
{
    AUTO(secret) secret = NULL;
    uint8_t *sealed = NULL;
    ck_well(secret_from_bytes(CANARY, strlen(CANARY), "the test", &secret, &err));
    ck_well(vault_seal(vault, id_a, secret, &sealed, out_size, &err));
    return sealed;
}

START_TEST(what_is_sealed_opens_to_the_same_also_after_a_restart)
{
    size_t size;
    AUTO(vault) first = open_vault();
    uint8_t *sealed = seal(first, &size);
    AUTO(vault) second = open_vault();
    AUTO(secret) secret = NULL;
    ck_well(vault_unseal(second, id_a, sealed, size, &secret, &err));
    ck_assert_str_eq(secret_text(secret), CANARY);
    ck_assert_uint_eq(size, strlen(CANARY) + 49);
    ck_assert_ptr_null(memmem(sealed, size, CANARY, 6));
    free(sealed);
}
END_TEST

START_TEST(the_same_password_is_never_sealed_to_the_same_bytes)
{
    size_t size;
    AUTO(vault) vault = open_vault();
    uint8_t *one = seal(vault, &size), *two = seal(vault, &size);
    ck_assert_int_ne(memcmp(one, two, size), 0);
    free(one);
    free(two);
}
END_TEST

START_TEST(a_sealed_password_does_not_open_for_another_source)
{
    size_t size;
    AUTO(vault) vault = open_vault();
    AUTO(secret) secret = NULL;
    uint8_t *sealed = seal(vault, &size);
    ck_assert_int_eq(vault_unseal(vault, id_b, sealed, size, &secret, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_ptr_null(secret);
    free(sealed);
}
END_TEST

START_TEST(a_change_of_any_bit_or_length_is_noticed)
{
    size_t size;
    AUTO(vault) vault = open_vault();
    AUTO(secret) secret = NULL;
    uint8_t *sealed = seal(vault, &size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_int_eq(vault_unseal(vault, id_a, sealed, size, &secret, &err), -1);
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t cut = 0; cut < size; cut++)
        ck_assert_int_eq(vault_unseal(vault, id_a, sealed, cut, &secret, &err), -1);
    ck_well(vault_unseal(vault, id_a, sealed, size, &secret, &err));
    free(sealed);
}
END_TEST

START_TEST(the_key_is_made_once_and_for_nobody_else_to_read)
{
    umask(0);
    struct stat info;
    vault_close(open_vault());
    ck_assert_int_eq(stat(path_of(VAULT_FILE), &info), 0);
    ck_assert_uint_eq(info.st_mode & 07777, 0400);
    ck_assert_int_eq(info.st_size, 32);
    ino_t inode = info.st_ino;
    vault_close(open_vault());
    ck_assert_int_eq(stat(path_of(VAULT_FILE), &info), 0);
    ck_assert_uint_eq(info.st_ino, inode);
}
END_TEST

START_TEST(what_a_crash_left_of_making_the_key_is_in_nobodys_way)
{
    char name[64]; /* processes in a container have the same number after each start */
    snprintf(name, sizeof name, VAULT_FILE ".new%ld", (long)getpid());
    write_file(name, "half a key", 10, 0400);
    vault_close(open_vault());
    ck_assert_int_eq(access(path_of(VAULT_FILE), F_OK), 0);
}
END_TEST

START_TEST(a_key_that_others_can_read_is_refused)
{
    struct vault *vault = NULL;
    write_file(VAULT_FILE, "0123456789abcdef0123456789abcdef", 32, 0440);
    ck_assert_int_eq(vault_open(folder, &vault, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "chmod 400"));
}
END_TEST

START_TEST(whoever_is_not_the_keys_user_is_told_as_whom_to_run)
{
    struct vault *vault = open_vault();
    vault_close(vault);
    if (geteuid() != 0) /* nobody else can give a file away */
        return;
    ck_assert_int_eq(chown(path_of(VAULT_FILE), 54321, (gid_t)-1), 0);
    vault = NULL;
    ck_assert_int_eq(vault_open(folder, &vault, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "sudo -u '#54321'"));
    ck_assert_ptr_null(strstr(err.text, "chmod"));
}
END_TEST

START_TEST(a_file_that_is_no_key_is_refused_and_left_alone)
{
    struct vault *vault = NULL;
    write_file(VAULT_FILE, "too short", 9, 0400);
    ck_assert_int_eq(vault_open(folder, &vault, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_ptr_null(strstr(err.text, "too short"));
    struct stat info;
    ck_assert_int_eq(stat(path_of(VAULT_FILE), &info), 0);
    ck_assert_int_eq(info.st_size, 9);
}
END_TEST

START_TEST(another_key_is_told_apart_from_a_changed_password)
{
    size_t size;
    AUTO(vault) vault = open_vault();
    AUTO(secret) secret = NULL;
    uint8_t *sealed = seal(vault, &size);
    ck_assert_int_eq(unlink(path_of(VAULT_FILE)), 0);
    AUTO(vault) other = open_vault();
    ck_assert_int_eq(vault_unseal(other, id_a, sealed, size, &secret, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "another key"));
    free(sealed);
}
END_TEST

START_TEST(the_systemd_credential_is_the_key_where_there_is_one)
{
    size_t size;
    AUTO(secret) secret = NULL;
    write_file(VAULT_CREDENTIAL,
               "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF\n", 65, 0600);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    AUTO(vault) vault = open_vault();
    ck_assert_int_ne(access(path_of(VAULT_FILE), F_OK), 0);
    uint8_t *sealed = seal(vault, &size);
    AUTO(vault) again = NULL;
    ck_well(vault_open(NULL, &again, &err)); /* it needs no folder then */
    ck_well(vault_unseal(again, id_a, sealed, size, &secret, &err));
    free(sealed);
}
END_TEST

static void use_credential(void)
{
    write_file(VAULT_CREDENTIAL, "0123456789abcdef0123456789abcdef", 32, 0600);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
}

START_TEST(who_has_the_credential_opens_what_the_file_sealed_before)
{
    size_t size;
    AUTO(secret) secret = NULL;
    AUTO(vault) before = open_vault();
    uint8_t *sealed = seal(before, &size);
    use_credential();
    AUTO(vault) vault = open_vault();
    ck_well(vault_unseal(vault, id_a, sealed, size, &secret, &err));
    ck_assert_str_eq(secret_text(secret), CANARY);
    free(sealed);
    sealed = seal(vault, &size); /* by the credential from now on */
    AUTO(secret) again = NULL;
    ck_assert_int_eq(vault_unseal(before, id_a, sealed, size, &again, &err), -1);
    free(sealed);
}
END_TEST

START_TEST(who_lacks_the_credential_is_told_how_to_get_it_and_makes_no_other_key)
{
    struct vault *none = NULL;
    use_credential();
    vault_close(open_vault());
    vault_close(open_vault());
    unsetenv("CREDENTIALS_DIRECTORY");
    ck_assert_int_eq(vault_open(folder, &none, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "systemd-run"));
    ck_assert_msg(strstr(err.text, "/" VAULT_NOTE "' and set all") != NULL, "%s", err.text);
    ck_assert_int_ne(access(path_of(VAULT_FILE), F_OK), 0);
    ck_assert_int_eq(unlink(path_of(VAULT_NOTE)), 0); /* as it says */
    vault_close(open_vault());
}
END_TEST

/* ---- Kinds ----------------------------------------------------------------------------------- */

static struct queue_source *source_of(enum source_secret_kind kind, const char *text,
                                      const struct vault *vault)
{
    struct queue_source *source = queue_source_new();
    source->name = strdup("office");
    text_copy(source->id, sizeof source->id, id_a);
    AUTO(secret) secret = NULL;
    ck_well(secret_from_bytes(CANARY, strlen(CANARY), "the test", &secret, &err));
    ck_well(source_secret_set(source, kind, text, vault, secret, &err));
    return source;
}

static void reads(enum source_secret_kind kind, const char *text, const char *want)
{
    AUTO(vault) vault = open_vault();
    AUTO(queue_source) source = source_of(kind, text, vault);
    AUTO(secret) secret = NULL;
    ck_well(source_secret_read(source, vault, NULL, NULL, &secret, &err));
    ck_assert_str_eq(secret_text(secret), want);
}

static void fails(enum source_secret_kind kind, const char *text, const char *word)
{
    AUTO(vault) vault = open_vault();
    AUTO(queue_source) source = source_of(kind, text, vault);
    AUTO(secret) secret = NULL;
    ck_assert_int_eq(source_secret_read(source, vault, NULL, NULL, &secret, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "'office'"));
    ck_assert_msg(strstr(err.text, word) != NULL, "'%s' is not in: %s", word, err.text);
    ck_assert_ptr_null(strstr(err.text, "canary"));
}

START_TEST(each_kind_of_source_gives_its_password)
{
    write_file("password", "of the file\n", 12, 0600);
    setenv("MAILCHUTE_TEST_PASSWORD", "of the environment", 1);
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    reads(SOURCE_SECRET_STORED, NULL, CANARY);
    reads(SOURCE_SECRET_COMMAND, "echo of the command; echo more", "of the command");
    reads(SOURCE_SECRET_FILE, path_of("password"), "of the file");
    reads(SOURCE_SECRET_ENVIRONMENT, "MAILCHUTE_TEST_PASSWORD", "of the environment");
    reads(SOURCE_SECRET_CREDENTIAL, "password", "of the file");
}
END_TEST

START_TEST(kinds_without_a_password_give_none)
{
    AUTO(vault) vault = open_vault();
    static const enum source_secret_kind kinds[] = {SOURCE_SECRET_ASK, SOURCE_SECRET_NONE};
    for (size_t i = 0; i < 2; i++) {
        AUTO(queue_source) source = source_of(kinds[i], NULL, vault);
        struct secret *secret = NULL;
        ck_well(source_secret_read(source, vault, NULL, NULL, &secret, &err));
        ck_assert_ptr_null(secret);
        ck_assert_ptr_null(source->secret);
    }
}
END_TEST

START_TEST(what_cannot_be_had_says_so_and_tells_no_secret)
{
    setenv("CREDENTIALS_DIRECTORY", folder, 1);
    fails(SOURCE_SECRET_COMMAND, "echo canary >&2; exit 3", "exit code 3");
    fails(SOURCE_SECRET_COMMAND, "echo canary: no such entry; exit 1", "exit code 1");
    fails(SOURCE_SECRET_COMMAND, "true", "empty");
    fails(SOURCE_SECRET_COMMAND, "head -c 70000 /dev/zero | tr '\\0' x", "too long");
    fails(SOURCE_SECRET_FILE, "/nowhere/password", "/nowhere/password");
    fails(SOURCE_SECRET_ENVIRONMENT, "MAILCHUTE_TEST_NOTHING", "MAILCHUTE_TEST_NOTHING");
    fails(SOURCE_SECRET_CREDENTIAL, "nothing", "nothing");
    fails(SOURCE_SECRET_CREDENTIAL, "../password", "no name");
}
END_TEST

START_TEST(a_command_that_hangs_is_ended_with_all_it_started)
{
    char command[256];
    snprintf(command, sizeof command, "echo $$ > '%s'; sleep 1000 & sleep 1000", path_of("pid"));
    AUTO(secret) secret = NULL;
    ck_assert_int_eq(secret_from_command(command, 300, NULL, NULL, &secret, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "try it by hand"));
    FILE *file = fopen(path_of("pid"), "r");
    char line[32] = "";
    ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
    fclose(file);
    ck_assert_int_eq(kill((pid_t)strtol(line, NULL, 10), 0), -1);
}
END_TEST

/* Gone, or dead and not yet reaped by whoever has to. */
static bool is_dead(long pid)
{
    char path[64], state = 0;
    (void)snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return true;
    int read = fscanf(file, "%*d %*s %c", &state);
    fclose(file);
    return read != 1 || state == 'Z';
}

static int cancel_once_it_runs(void *context)
{
    return access(context, F_OK) == 0;
}

START_TEST(a_command_that_is_cancelled_is_ended_with_all_it_started)
{
    char command[256];
    snprintf(command, sizeof command, "sleep 1000 & echo $! > '%s'; sleep 1000", path_of("pid"));
    char *made = strdup(path_of("pid"));
    AUTO(secret) secret = NULL;
    ck_assert_int_eq(secret_from_command(command, 600000, cancel_once_it_runs, made, &secret, &err),
                     -1);
    ck_assert_int_eq(err.class, ERROR_CANCELLED);
    char line[32] = "";
    FILE *file = fopen(made, "r");
    ck_assert_ptr_nonnull(file);
    bool whole = fgets(line, sizeof line, file) != NULL; /* it may have been ended in between */
    fclose(file);
    free(made);
    for (int i = 0; whole && !is_dead(strtol(line, NULL, 10)); i++) {
        ck_assert_int_lt(i, 1000);
        usleep(10000);
    }
}
END_TEST

START_TEST(a_command_ends_by_a_broken_pipe_although_we_ignore_them)
{
    ck_assert(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    reads(SOURCE_SECRET_COMMAND, "sh -c 'kill -PIPE $$; echo ignored' || echo ended", "ended");
}
END_TEST

START_TEST(a_command_that_goes_on_printing_is_not_a_failure)
{
    reads(SOURCE_SECRET_COMMAND, "sh -c 'echo first; yes'", "first");
    reads(SOURCE_SECRET_COMMAND, "sh -c 'echo first; yes; exit $?'", "first");
}
END_TEST

START_TEST(a_command_that_does_not_start_says_why)
{
    enum { FAR_TOO_LONG = 1 << 20 };
    char *command = malloc(FAR_TOO_LONG + 1);
    AUTO(secret) secret = NULL;
    ck_assert_ptr_nonnull(command);
    memset(command, 'x', FAR_TOO_LONG);
    command[FAR_TOO_LONG] = '\0';
    ck_assert_int_eq(secret_from_command(command, 1000, NULL, NULL, &secret, &err), -1);
    ck_assert_msg(strstr(err.text, strerror(E2BIG)) != NULL, "%s", err.text);
    free(command);
}
END_TEST

START_TEST(each_kind_has_a_name_that_leads_back_to_it)
{
    for (unsigned i = 0; i < SOURCE_SECRET_KINDS; i++) {
        enum source_secret_kind kind = SOURCE_SECRET_KINDS;
        ck_assert_int_eq(source_secret_kind(source_secret_name((enum source_secret_kind)i), &kind),
                         0);
        ck_assert_uint_eq(kind, i);
    }
    enum source_secret_kind kind;
    ck_assert_int_eq(source_secret_kind("rot13", &kind), -1);
}
END_TEST

static Suite *suite(void)
{
    const TTest *const tests[] = {
        what_is_sealed_opens_to_the_same_also_after_a_restart,
        the_same_password_is_never_sealed_to_the_same_bytes,
        a_sealed_password_does_not_open_for_another_source,
        a_change_of_any_bit_or_length_is_noticed,
        the_key_is_made_once_and_for_nobody_else_to_read,
        what_a_crash_left_of_making_the_key_is_in_nobodys_way,
        a_key_that_others_can_read_is_refused,
        whoever_is_not_the_keys_user_is_told_as_whom_to_run,
        a_file_that_is_no_key_is_refused_and_left_alone,
        another_key_is_told_apart_from_a_changed_password,
        the_systemd_credential_is_the_key_where_there_is_one,
        who_has_the_credential_opens_what_the_file_sealed_before,
        who_lacks_the_credential_is_told_how_to_get_it_and_makes_no_other_key,
        each_kind_of_source_gives_its_password,
        kinds_without_a_password_give_none,
        what_cannot_be_had_says_so_and_tells_no_secret,
        a_command_that_hangs_is_ended_with_all_it_started,
        a_command_that_is_cancelled_is_ended_with_all_it_started,
        a_command_ends_by_a_broken_pipe_although_we_ignore_them,
        a_command_that_goes_on_printing_is_not_a_failure,
        a_command_that_does_not_start_says_why,
        each_kind_has_a_name_that_leads_back_to_it,
    };
    Suite *all = suite_create("vault");
    TCase *one = tcase_create("vault");
    tcase_add_checked_fixture(one, setup, teardown);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(one, tests[i]);
    suite_add_tcase(all, one);
    return all;
}

CHECK_MAIN(suite)
