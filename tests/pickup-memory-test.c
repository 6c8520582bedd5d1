/* SPDX-License-Identifier: Apache-2.0 */
/* pickup-memory-test.c - whichever allocation of a pick-up fails, alone or with all behind it: one
 * line tells, nothing is lost, doubled or leaked, and the next pick-up ends as if nothing had been.
 *
 * The whole way in one process, time and again: the command, imap.so, libcurl, SQLite. Their
 * allocations are counted by oom-shim.so, with which the program starts itself once more. The
 * server is a process of its own. Each round picks up the one message of a new account.
 *
 * A pick-up has some 13,000 allocations, most of them SQLite's, which come by a quarter as many
 * call paths. The first of each path fails, and of each fourth all behind it as well; with
 * PICKUP_MEMORY=all every one (make sweep-oom). */
#include <config.h>
#include "check-main.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <err.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

#include "command.h"
#include "error.h"
#include "fuzz/usual-server.h"
#include "oom-shim.h"
#include "queue-fixture.h"

#define SAID_MAX 4096
#define SAID_BY_SERVER_MAX 65536
#define RAW "Subject: x\r\nMessage-ID: <m5@x>\r\n\r\nwords\r\n"
#define LEAST_ALLOCATIONS 500 /* of a pick-up: with fewer the shim looked elsewhere */
#define APART 4 /* of so many paths one where all behind it fails as well: each takes as long */
#define LEAST_PATHS 500
#define HOST_NOT_FOUND 69 /* exit code */
#define ARGUMENTS_MAX 16
#define SECONDS_MAX 3600

static void (*shim_arm)(long at, bool goes_on);
static void (*shim_list)(int fd);
static long (*shim_disarm)(bool *out_failed);

/* ---- The server ------------------------------------------------------------------------------ */

/* Shared by both processes. */
struct mailbox {
    _Atomic unsigned int there; /* as in usual_server */
};

static void serve_session(FILE *in, int fd, struct mailbox *box)
{
    char line[1024];
    struct buffer said;
    buffer_init(&said, SAID_BY_SERVER_MAX);
    struct usual_server server = {&said, "IMAP4rev1 MOVE UIDPLUS", 0, 0};
    buffer_append_text(&said, "* OK hello\r\n");
    while (send(fd, said.data, said.len, MSG_NOSIGNAL) == (ssize_t)said.len &&
           fgets(line, sizeof line, in) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        char *command = strchr(line, ' ');
        if (command == NULL)
            break;
        *command++ = '\0';
        buffer_clear(&said);
        server.there = atomic_load(&box->there);
        usual_answer(&server, line, command);
        atomic_store(&box->there, server.there);
    }
    buffer_done(&said);
}

static _Noreturn void serve(int listener, struct mailbox *box)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        FILE *in = fd < 0 ? NULL : fdopen(fd, "r");
        if (in == NULL)
            _exit(1);
        serve_session(in, fd, box);
        (void)fclose(in);
    }
}

/* ---- A round --------------------------------------------------------------------------------- */

struct rounds {
    struct queue_fixture fixture;
    struct mailbox *box;
    pid_t server;
    unsigned int port, count; /* of rounds */
    int real_stdout, real_stderr, nowhere, said_fd;
    char secret[160], loader[PATH_MAX];
    char said[SAID_MAX]; /* by the last pick-up, on standard error */
};

static void rounds_start_server(struct rounds *r)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    r->box = mmap(NULL, sizeof *r->box, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(r->box != MAP_FAILED && bind(listener, (struct sockaddr *)&at, size) == 0 &&
              listen(listener, 8) == 0 &&
              getsockname(listener, (struct sockaddr *)&at, &size) == 0);
    r->port = ntohs(at.sin_port);
    r->server = fork();
    ck_assert_int_ge(r->server, 0);
    if (r->server == 0)
        serve(listener, r->box);
    (void)close(listener);
}

static void rounds_init(struct rounds *r)
{
    memset(r, 0, sizeof *r);
    queue_fixture_init(&r->fixture, QUEUE_FIXTURE_SQLITE);
    rounds_start_server(r);
    (void)snprintf(r->secret, sizeof r->secret, "%s/secret", r->fixture.dir);
    (void)snprintf(r->loader, sizeof r->loader, "%s/loader/.libs/imap.so", getenv("top_builddir"));
    int secret = open(r->secret, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(secret, "secret", 6), 6);
    (void)close(secret);
    r->real_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    r->real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    r->nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    r->said_fd = memfd_create("said", MFD_CLOEXEC);
    ck_assert(r->nowhere >= 0 && r->said_fd >= 0);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_set_report_fd((void *)(intptr_t)r->real_stderr);
#endif
}

static void rounds_done(struct rounds *r)
{
    (void)kill(r->server, SIGKILL);
    (void)waitpid(r->server, NULL, 0);
    (void)munmap(r->box, sizeof *r->box);
    (void)close(r->real_stdout);
    (void)close(r->real_stderr);
    (void)close(r->nowhere);
    (void)close(r->said_fd);
    queue_fixture_done(&r->fixture);
}

static void rounds_next(struct rounds *r)
{
    atomic_store(&r->box->there, 1);
    r->count++;
}

/* The command, with what it prints caught; its exit code. */
static int pickup(struct rounds *r)
{
    char line[PATH_MAX + 1024], *arguments[ARGUMENTS_MAX], *rest = line;
    int count = 0;
    (void)snprintf(line, sizeof line,
                   "url=127.0.0.1;port=%u;starttls=Never;timeout=20s\n--user\nuser%u\n"
                   "--password-file\n%s\n--source\nmemory\n--loader\n%s\n--queue\n%s",
                   r->port, r->count, r->secret, r->loader, r->fixture.url);
    while (rest != NULL)
        arguments[count++] = strsep(&rest, "\n");
    (void)ftruncate(r->said_fd, 0);
    (void)lseek(r->said_fd, 0, SEEK_SET);
    (void)dup2(r->nowhere, STDOUT_FILENO);
    (void)dup2(r->said_fd, STDERR_FILENO);
    int code = command_pickup(count, arguments);
    (void)dup2(r->real_stdout, STDOUT_FILENO);
    (void)dup2(r->real_stderr, STDERR_FILENO);
    ssize_t said = pread(r->said_fd, r->said, sizeof r->said - 1, 0);
    r->said[said < 0 ? 0 : said] = '\0';
    return code;
}

/* One line that tells, of want of memory and of nothing else. What libcurl lacks it for while it
 * looks up a host, it calls a host that is not found. */
static void judge_end(struct rounds *r, int code, long n)
{
    bool memory = strstr(r->said, "memory") != NULL;
    bool host = code == HOST_NOT_FOUND && strstr(r->said, ": host not found (") != NULL;
    ck_assert_msg(code == 0 || (strncmp(r->said, "mailchute: ", 11) == 0 && (memory || host)),
                  "allocation %ld failed, and with exit code %d was said '%s'", n, code, r->said);
}

/* What left the mailbox is in the queue, once and with all its bytes; if all is @settled, it did
 * leave, and is known to have. */
static void judge(struct rounds *r, bool settled, long n)
{
    struct queue_stats stats;
    ck_well(&r->fixture, queue_stats(r->fixture.queue, "default", &stats, &r->fixture.err));
    bool there = (atomic_load(&r->box->there) & 1) != 0;
    uint64_t entries = stats.by_state[QUEUE_NEW];
    ck_assert_msg(entries == r->count || (there && !settled && entries == r->count - 1),
                  "allocation %ld failed: %llu entries in round %u, the message %s", n,
                  (unsigned long long)entries, r->count, there ? "is in its mailbox" : "was moved");
    ck_assert_uint_eq(stats.raw_bytes, entries * (sizeof RAW - 1));
    ck_assert_msg(!settled || (!there && stats.unsettled == 0),
                  "allocation %ld failed, and the next pick-up did not move the message", n);
}

/* Whether allocation @n is one that there is. */
static bool rounds_fail(struct rounds *r, long n, bool goes_on)
{
    bool failed;
    rounds_next(r);
    shim_arm(n, goes_on);
    int code = pickup(r);
    long counted = shim_disarm(&failed);
    ck_assert_msg(failed || (code == 0 && counted < n && counted > LEAST_ALLOCATIONS),
                  "allocation %ld of %ld did not fail, exit code %d: %s", n, counted, code,
                  r->said);
    judge_end(r, code, n);
    judge(r, code == 0, n);
    code = pickup(r);
    ck_assert_msg(code == 0, "behind the failure of allocation %ld exit code %d: %s", n, code,
                  r->said);
    judge(r, true, n);
    return failed;
}

/* Numbers of the allocations that are the first of their call path in an undisturbed pick-up. */
static FILE *rounds_list(struct rounds *r)
{
    bool failed;
    int fd = memfd_create("paths", MFD_CLOEXEC);
    FILE *list = fdopen(fd, "r");
    ck_assert_ptr_nonnull(list);
    rounds_next(r);
    shim_list(fd);
    int code = pickup(r);
    (void)shim_disarm(&failed);
    ck_assert_msg(code == 0, "undisturbed, with exit code %d: %s", code, r->said);
    ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
    return list;
}

static void fail_each(bool goes_on)
{
    struct rounds r;
    long paths = 0, missed = 0;
    char line[64];
    rounds_init(&r);
    FILE *list = rounds_list(&r);
    for (; fgets(line, sizeof line, list) != NULL; paths++)
        if (!goes_on || paths % APART == 0)
            missed += !rounds_fail(&r, strtol(line, NULL, 10), goes_on);
    ck_assert(paths > LEAST_PATHS && missed <= paths / 100);
    (void)fclose(list);
    rounds_done(&r);
}

static void fail_all(bool goes_on)
{
    struct rounds r;
    rounds_init(&r);
    for (long n = 1; rounds_fail(&r, n, goes_on); n++)
        ;
    rounds_done(&r);
}

static void pickups_fail(bool goes_on)
{
    const char *all = getenv("PICKUP_MEMORY");
    if (all != NULL && strcmp(all, "all") == 0)
        fail_all(goes_on);
    else
        fail_each(goes_on);
}

START_TEST(whichever_allocation_fails_nothing_is_lost_doubled_or_leaked)
{
    pickups_fail(false);
}
END_TEST

START_TEST(from_whichever_allocation_on_all_fail_nothing_is_lost_doubled_or_leaked)
{
    pickups_fail(true);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("pickup-memory");
    TCase *t = tcase_create("pickup-memory");
    tcase_set_timeout(t, SECONDS_MAX);
    tcase_add_test(t, whichever_allocation_fails_nothing_is_lost_doubled_or_leaked);
    tcase_add_test(t, from_whichever_allocation_on_all_fail_nothing_is_lost_doubled_or_leaked);
    suite_add_tcase(s, t);
    return s;
}

/* The dynamic loader reads LD_PRELOAD at the start alone. */
static void start_with_shim(char **argv)
{
    char shim[PATH_MAX];
    if (getenv("top_builddir") == NULL || getenv("LD_PRELOAD") != NULL)
        errx(1, "oom-shim.so is not preloaded; is top_builddir the build folder?");
    (void)snprintf(shim, sizeof shim, "%s/tests/.libs/oom-shim.so", getenv("top_builddir"));
    (void)setenv("LD_PRELOAD", shim, 1);
    const char *asan = getenv("ASAN_OPTIONS");
    char options[1024];
    (void)snprintf(options, sizeof options, "%s:verify_asan_link_order=0",
                   asan == NULL ? "" : asan);
    (void)setenv("ASAN_OPTIONS", options, 1);
    (void)execv("/proc/self/exe", argv);
    err(1, "%s", argv[0]);
}

int main(int argc, char **argv)
{
    (void)argc;
    *(void **)&shim_arm = dlsym(RTLD_DEFAULT, "oom_shim_arm");
    *(void **)&shim_disarm = dlsym(RTLD_DEFAULT, "oom_shim_disarm");
    *(void **)&shim_list = dlsym(RTLD_DEFAULT, "oom_shim_list");
    if (shim_arm == NULL || shim_list == NULL || shim_disarm == NULL)
        start_with_shim(argv);
    return check_main(suite());
}
