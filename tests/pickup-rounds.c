/* SPDX-License-Identifier: Apache-2.0 */
/* pickup-rounds.c - see pickup-rounds.h. */
#include <config.h>
#include "pickup-rounds.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ROUNDS_SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define ROUNDS_SANITIZED
#endif
#ifdef ROUNDS_SANITIZED
#include <sanitizer/common_interface_defs.h>
#endif

#include "command.h"
#include "fuzz/usual-server.h"

#define SAID_BY_SERVER_MAX 65536
#define RAW "Subject: x\r\nMessage-ID: <m5@x>\r\n\r\nwords\r\n"
#define ARGUMENTS_MAX 16

/* ---- The server ------------------------------------------------------------------------------ */

static void serve_session(FILE *in, int fd, struct rounds_mailbox *box)
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
        unsigned int was = atomic_load(&box->there);
        server.there = was;
        usual_answer(&server, line, command);
        /* Unless a new round has begun behind a client that did not wait for this answer. */
        (void)atomic_compare_exchange_strong(&box->there, &was, server.there);
    }
    buffer_done(&said);
}

static _Noreturn void serve(int listener, struct rounds_mailbox *box)
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

static int descriptors_open(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    ck_assert_ptr_nonnull(folder);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

void rounds_init(struct rounds *r)
{
    bool keep_open = r->keep_open;
    memset(r, 0, sizeof *r);
    r->keep_open = keep_open;
    rounds_start_server(r); /* before anything is open that it would keep open */
    queue_fixture_init(&r->fixture, QUEUE_FIXTURE_SQLITE);
    ck_assert_ptr_nonnull(realpath(r->fixture.dir, r->folder));
    (void)snprintf(r->queue_url, sizeof r->queue_url, "sqlite:%s/q", r->folder);
    (void)snprintf(r->secret, sizeof r->secret, "%s/secret", r->folder);
    (void)snprintf(r->loader, sizeof r->loader, "%s/loader/.libs/imap.so", getenv("top_builddir"));
    int secret = open(r->secret, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ck_assert_int_eq(write(secret, "secret", 6), 6);
    (void)close(secret);
    r->real_stdout = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    r->real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    r->nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int pipe_fds[2]; /* a file would count among the calls on files */
    ck_assert(r->nowhere >= 0 && pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK) == 0);
    r->said_fd = pipe_fds[0];
    r->saying = pipe_fds[1];
#ifdef ROUNDS_SANITIZED
    __sanitizer_set_report_fd((void *)(intptr_t)r->real_stderr);
#endif
}

void rounds_done(struct rounds *r)
{
#ifdef ROUNDS_SANITIZED
    __sanitizer_set_report_fd((void *)(intptr_t)STDERR_FILENO);
#endif
    (void)kill(r->server, SIGKILL);
    (void)waitpid(r->server, NULL, 0);
    (void)munmap(r->box, sizeof *r->box);
    (void)close(r->real_stdout);
    (void)close(r->real_stderr);
    (void)close(r->nowhere);
    (void)close(r->said_fd);
    (void)close(r->saying);
    queue_fixture_done(&r->fixture);
}

void rounds_next(struct rounds *r)
{
    atomic_store(&r->box->there, 1);
    r->count++;
    if (r->keep_open)
        return;
    queue_close(r->fixture.queue);
    r->fixture.queue = NULL;
    r->count = 1;
    queue_fixture_remove(r->queue_url + sizeof "sqlite:" - 1);
}

int rounds_pickup(struct rounds *r)
{
    char line[3 * PATH_MAX + 1024], *arguments[ARGUMENTS_MAX], *rest = line;
    int count = 0;
    if (r->connection != NULL)
        (void)snprintf(line, sizeof line, "%s\n--source\nrounds\n--loader\n%s\n--queue\n%s",
                       r->connection, r->loader, r->queue_url);
    else
        (void)snprintf(line, sizeof line,
                       "url=127.0.0.1;port=%u;starttls=Never;timeout=20s\n--user\nuser%u\n"
                       "--password-file\n%s\n--source\nrounds\n--loader\n%s\n--queue\n%s",
                       r->port, r->count, r->secret, r->loader, r->queue_url);
    while (rest != NULL)
        arguments[count++] = strsep(&rest, "\n");
    (void)dup2(r->nowhere, STDOUT_FILENO);
    (void)dup2(r->saying, STDERR_FILENO);
    int code = command_pickup(count, arguments);
    (void)dup2(r->real_stdout, STDOUT_FILENO);
    (void)dup2(r->real_stderr, STDERR_FILENO);
    ssize_t said = read(r->said_fd, r->said, sizeof r->said - 1);
    r->said[said < 0 ? 0 : said] = '\0';
    return code;
}

static int see_id(void *context, const struct queue_entry *entry)
{
    (void)snprintf(context, QUEUE_ID_TEXT, "%s", entry->id);
    return 1;
}

/* The raw bytes of the last entry are those of the message. */
static void judge_raw(struct rounds *r)
{
    const struct queue_filter last = {.newest_first = true, .limit = 1};
    char id[QUEUE_ID_TEXT] = "", raw[sizeof RAW + 1];
    int fd = -1;
    (void)queue_list(r->fixture.queue, &last, see_id, id, &r->fixture.err);
    ck_well(&r->fixture, queue_raw(r->fixture.queue, id, &fd, &r->fixture.err));
    ssize_t count = read(fd, raw, sizeof raw);
    (void)close(fd);
    ck_assert(count == (ssize_t)sizeof RAW - 1 && memcmp(raw, RAW, sizeof RAW - 1) == 0);
}

void rounds_judge(struct rounds *r, bool settled, const char *what, long n)
{
    struct queue_stats stats;
    if (r->judge != NULL) {
        r->judge(r, settled, what, n);
        return;
    }
    bool there = (atomic_load(&r->box->there) & 1) != 0;
    if (there && !settled)
        return; /* all is well, and the queue is left as it is to the next pick-up */
    if (!r->keep_open)
        queue_fixture_reopen(&r->fixture);
    ck_well(&r->fixture, queue_stats(r->fixture.queue, "default", &stats, &r->fixture.err));
    judge_raw(r);
    if (!r->keep_open) {
        queue_close(r->fixture.queue);
        r->fixture.queue = NULL;
    }
    uint64_t entries = stats.by_state[QUEUE_NEW];
    ck_assert_msg(entries == r->count, "%s %ld failed: %llu entries in round %u", what, n,
                  (unsigned long long)entries, r->count);
    ck_assert_uint_eq(stats.raw_bytes, entries * (sizeof RAW - 1));
    ck_assert_msg(stats.by_state[QUEUE_BAD] == 0, "%s %ld failed, and mail was blamed", what, n);
    ck_assert_msg(!settled || (!there && stats.unsettled == 0),
                  "%s %ld failed, and the next pick-up did not move the message", what, n);
}

void rounds_go_on(struct rounds *r, const char *what, long n)
{
    int code = rounds_pickup(r);
    ck_assert_msg(code == 0, "behind the failure of %s %ld exit code %d: %s", what, n, code,
                  r->said);
    rounds_judge(r, true, what, n);
    int open = descriptors_open();
    ck_assert_msg(r->descriptors == 0 || r->descriptors == open,
                  "%s %ld failed, and of %d descriptors there are %d", what, n, r->descriptors,
                  open);
    r->descriptors = open;
}

/* The dynamic loader reads LD_PRELOAD at the start alone. */
void *rounds_preload(const char *shim, const char *symbol, char **argv)
{
    static const char started[] = "PICKUP_ROUNDS_STARTED";
    char path[2 * PATH_MAX], options[1024];
    const char *top = getenv("top_builddir"), *asan = getenv("ASAN_OPTIONS");
    const char *others = getenv("LD_PRELOAD");
    void *found = dlsym(RTLD_DEFAULT, symbol);
    if (found != NULL)
        return found;
    if (top == NULL || getenv(started) != NULL)
        errx(1, "%s is not preloaded; is top_builddir the build folder?", shim);
    (void)snprintf(path, sizeof path, "%s/tests/.libs/%s%s%s", top, shim, others == NULL ? "" : ":",
                   others == NULL ? "" : others);
    (void)setenv(started, "1", 1);
    (void)snprintf(options, sizeof options, "%s:verify_asan_link_order=0",
                   asan == NULL ? "" : asan);
    (void)setenv("LD_PRELOAD", path, 1);
    (void)setenv("ASAN_OPTIONS", options, 1);
    (void)execv("/proc/self/exe", argv);
    err(1, "%s", argv[0]);
}
