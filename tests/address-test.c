/* SPDX-License-Identifier: Apache-2.0 */
/* address-test.c - which addresses are public, and that a stream for those alone connects to no
 * other, however it is spelled and whatever a name leads to.
 *
 * getaddrinfo() is ours for names under .test, which no server answers; libcurl calls it. */
#include <config.h>
#include "check-main.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "stream.h"

START_TEST(only_what_the_internet_reaches_is_public)
{
    static const struct {
        const char *text;
        bool is_public;
    } rows[] = {
        {"8.8.8.8", true},          {"1.0.0.1", true},           {"9.255.255.255", true},
        {"0.0.0.0", false},         {"0.1.2.3", false},          {"10.0.0.1", false},
        {"11.0.0.0", true},         {"100.63.255.255", true},    {"100.64.0.0", false},
        {"100.127.255.255", false}, {"100.128.0.0", true},       {"126.255.255.255", true},
        {"127.0.0.1", false},       {"127.255.255.255", false},  {"128.0.0.0", true},
        {"169.253.255.255", true},  {"169.254.169.254", false},  {"172.15.255.255", true},
        {"172.16.0.0", false},      {"172.31.255.255", false},   {"172.32.0.0", true},
        {"192.0.0.8", false},       {"192.0.1.0", true},         {"192.0.2.1", false},
        {"192.88.99.1", false},     {"192.168.0.1", false},      {"192.169.0.0", true},
        {"198.17.255.255", true},   {"198.18.0.0", false},       {"198.19.255.255", false},
        {"198.51.100.7", false},    {"203.0.113.7", false},      {"223.255.255.255", true},
        {"224.0.0.1", false},       {"240.0.0.1", false},        {"255.255.255.255", false},
        {"::", false},              {"::1", false},              {"::8.8.8.8", false},
        {"::ffff:8.8.8.8", true},   {"::ffff:127.0.0.1", false}, {"::ffff:10.0.0.1", false},
        {"64:ff9b::8.8.8.8", true}, {"64:ff9b::a00:1", false},   {"64:ff9b:1::1", false},
        {"2002:808:808::1", true},  {"2002:7f00:1::1", false},   {"2002:a9fe:a9fe::", false},
        {"2001::1", false},         {"2001:1ff::1", false},      {"2001:200::1", true},
        {"2001:db8::1", false},     {"2606:4700::1111", true},   {"3fff:ffff::1", true},
        {"fc00::1", false},         {"fd12::1", false},          {"fe80::1", false},
        {"fec0::1", false},         {"ff02::1", false},          {"100::1", false},
        {"4000::1", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        bool is_v4 = inet_pton(AF_INET, rows[i].text, &v4.sin_addr) == 1;
        ck_assert(is_v4 || inet_pton(AF_INET6, rows[i].text, &v6.sin6_addr) == 1);
        bool is_public = address_is_public(is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6);
        ck_assert_msg(is_public == rows[i].is_public, "%s", rows[i].text);
    }
    const struct sockaddr other = {.sa_family = AF_UNIX};
    ck_assert(!address_is_public(&other));
}
END_TEST

/* A port at which whoever connects would be noticed. */
static int listen_anywhere(uint32_t *out_port)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    socklen_t size = sizeof at;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, size), 0);
    ck_assert_int_eq(listen(fd, 8), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    *out_port = ntohs(at.sin6_port);
    return fd;
}

static int open_stream(const char *host, uint32_t port, bool public_only, const char *proxy,
                       struct error *err)
{
    const struct stream_settings settings = {.host = host,
                                             .port = port,
                                             .security = STREAM_TLS,
                                             .public_only = public_only,
                                             .proxy = proxy,
                                             .auth = "Auto",
                                             .user = "ann",
                                             .secret = "secret",
                                             .clock = clock_system()};
    AUTO(stream) stream = NULL;
    return stream_open(&settings, &stream, err);
}

START_TEST(no_spelling_of_an_own_address_is_connected_to)
{
    static const char *const hosts[] = {
        "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0x7f.0.0.1",
        "0177.0.0.1", "0177.1", "017700000001", "127.000.000.001", "127.0.0.1.", "127.9.9.9",
        "localhost", "LOCALHOST", "localhost.", "0", "0.0.0.0", "00.0.0.0", "0x0", "0000",
        "::1", "0:0:0:0:0:0:0:1", "0::1", "::", "::ffff:127.0.0.1", "::ffff:7f00:1",
        "0:0:0:0:0:ffff:127.0.0.1", "::127.0.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166",
        "10.0.0.1", "10.1", "192.168.1", "192.168.0.1", "172.16.0.1", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "fe80::1", "fd00::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::",
    };
    uint32_t port;
    int fd = listen_anywhere(&port);
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        struct error err;
        ck_assert_msg(open_stream(hosts[i], port, true, NULL, &err) == -1, "%s", hosts[i]);
        ck_assert_msg(accept(fd, NULL, NULL) == -1, "%s was connected", hosts[i]);
        ck_assert_msg(err.class == ERROR_CONFIG || err.class == ERROR_UNREACHABLE ||
                          err.class == ERROR_USAGE, "%s: %s", hosts[i], err.text);
        if (err.class == ERROR_CONFIG)
            ck_assert_ptr_nonnull(strstr(err.text, "public address"));
    }
    struct error err; /* it was not for want of a listener */
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int out = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(out, (struct sockaddr *)&to, sizeof to), 0);
    int in = accept(fd, NULL, NULL);
    ck_assert_int_ge(in, 0);
    ck_assert_int_eq(open_stream("127.0.0.1", port, true, NULL, &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    close(in);
    close(out);
    close(fd);
}
END_TEST

START_TEST(no_proxy_leads_around_it)
{
    uint32_t port;
    struct error err;
    int fd = listen_anywhere(&port);
    ck_assert_int_eq(open_stream("mail.example.org", 993, true, "http://127.0.0.1:9", &err), -1);
    ck_assert_int_eq(err.class, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "no proxy may be named"));
    close(fd);
}
END_TEST

/* ---- Names ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *at[3]; /* what it leads to, in this order */
    bool here;         /* one of them is listened at */
} names[] = {
    {"here.test", {"127.0.0.1"}, true},
    {"six.test", {"::1"}, true},
    {"mapped.test", {"::ffff:127.0.0.1"}, true},
    {"any.test", {"0.0.0.0"}, true},
    {"both.test", {"::1", "127.0.0.1"}, true},
    {"private-first.test", {"10.0.0.1", "127.0.0.1"}, false},
    {"metadata.test", {"169.254.169.254"}, false},
    {"metadata-six.test", {"fd00:ec2::254"}, false},
    {"link.test", {"fe80::1"}, false},
    {"six-to-four.test", {"2002:7f00:1::"}, false},
    {"nat.test", {"64:ff9b::7f00:1"}, false},
    {"rebound.test", {"127.0.0.1"}, true}, /* nothing at first */
};

static atomic_uint asked; /* for rebound.test */

__attribute__((visibility("default")))
int getaddrinfo(const char *restrict name, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict found)
{
    int (*theirs)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (__typeof__(theirs))dlsym(RTLD_NEXT, "getaddrinfo");
    size_t row = 0, count = sizeof names / sizeof names[0];
    while (row < count && (name == NULL || strcmp(names[row].name, name) != 0))
        row++;
    if (row == count)
        return theirs(name, service, hints, found);
    if (strcmp(name, "rebound.test") == 0 && asked++ == 0)
        return EAI_NONAME;
    struct addrinfo numeric = *hints, **end = found;
    numeric.ai_flags = AI_NUMERICHOST;
    *found = NULL;
    for (size_t i = 0; i < 3 && names[row].at[i] != NULL; i++) {
        ck_assert_int_eq(theirs(names[row].at[i], service, &numeric, end), 0);
        while (*end != NULL)
            end = &(*end)->ai_next;
    }
    return 0;
}

/* Takes who comes and sends him away, until it is closed. */
static atomic_uint came;

static void *send_away(void *fd)
{
    int in;
    while ((in = accept(*(int *)fd, NULL, NULL)) >= 0) {
        came++;
        close(in);
    }
    return NULL;
}

START_TEST(no_name_leads_to_an_own_address_and_none_that_changes_its_mind)
{
    struct error err;
    uint32_t port;
    pthread_t thread;
    int fd = listen_anywhere(&port);
    ck_assert_int_eq(fcntl(fd, F_SETFL, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, send_away, &fd), 0);
    for (unsigned round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
            bool unknown = round == 0 && strcmp(names[i].name, "rebound.test") == 0;
            ck_assert_int_eq(open_stream(names[i].name, port, true, NULL, &err), -1);
            ck_assert_msg((strstr(err.text, "public address") != NULL) == !unknown, "%s: %s",
                          names[i].name, err.text);
        }
    ck_assert_uint_eq(came, 0);
    unsigned reached = 0; /* where it is allowed they lead there: they were understood */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (!names[i].here)
            continue;
        ck_assert_int_eq(open_stream(names[i].name, port, false, NULL, &err), -1);
        ck_assert_msg(came > reached, "%s: %s", names[i].name, err.text);
        reached = came;
    }
    (void)shutdown(fd, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(fd);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("address");
    TCase *t = tcase_create("address");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, only_what_the_internet_reaches_is_public);
    tcase_add_test(t, no_spelling_of_an_own_address_is_connected_to);
    tcase_add_test(t, no_name_leads_to_an_own_address_and_none_that_changes_its_mind);
    tcase_add_test(t, no_proxy_leads_around_it);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
