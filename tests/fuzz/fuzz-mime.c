/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-mime.c - any bytes are a mail, and the same mail in whatever pieces they come.
 *
 * The entry point is that of libFuzzer (-DFUZZING, -fsanitize=fuzzer); else a main() replays the
 * files it is given, or without any mutates its own seeds a fixed number of times, as one TAP test.
 * The oracle: it succeeds; all text is valid UTF-8; limits hold; each attachment is given whole to
 * the sink; two ways to cut the input give the same entry. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mail.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "broken promise: %s\n", #condition);                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct sizes {
    uint64_t bytes[4096];
};

static int sink(void *context, uint32_t ordinal, const uint8_t *bytes, size_t count)
{
    struct sizes *sizes = context;
    (void)bytes;
    MUST(ordinal > 0);
    if (ordinal < 4096)
        sizes->bytes[ordinal] += count;
    return 0;
}

static struct mail *read_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
    static struct sizes sizes;
    struct error err;
    struct mail *mail = NULL;
    const struct mail_sink taker = {sink, &sizes};
    const struct mail_options options = {.attach_html = true, .sink = &taker};
    memset(&sizes, 0, sizeof sizes);
    AUTO(mail_parser) p = mail_parser_new(&options);
    MUST(p != NULL);
    for (size_t at = 0; at < size; at += piece) {
        size_t n = size - at < piece ? size - at : piece;
        uint8_t *copy = malloc(n); /* of exact size: a byte too far is seen */
        MUST(copy != NULL);
        memcpy(copy, data + at, n);
        MUST(mail_parser_feed(p, copy, n, &err) == 0);
        free(copy);
    }
    MUST(mail_parser_finish(p, &mail, &err) == 0);
    for (size_t i = 0; i < mail->attachment_count && i + 1 < 4096; i++)
        MUST(mail->attachments[i].size == sizes.bytes[i + 1]);
    return mail;
}

static void check_text(const char *text, size_t max)
{
    MUST(text == NULL || (text_is_utf8(text, strlen(text)) && strlen(text) <= max));
}

static void check_addresses(const struct mail_addresses *list)
{
    MUST(list->count <= MAIL_ADDRESSES_MAX);
    for (size_t i = 0; i < list->count; i++) {
        check_text(list->items[i].name, MAIL_HEADER_BLOCK_MAX * 4);
        check_text(list->items[i].address, MAIL_HEADER_BLOCK_MAX * 4);
    }
}

static void check_attachment(const struct mail_attachment *a)
{
    MUST(a->filename != NULL && a->filename[0] != '\0' && a->content_type != NULL);
    MUST(strchr(a->filename, '/') == NULL && strcmp(a->filename, "..") != 0);
    MUST(!text_has_control(a->filename));
    check_text(a->filename, MAIL_FILENAME_MAX);
    check_text(a->content_type, MAIL_FILENAME_MAX);
    check_text(a->disposition, MAIL_FILENAME_MAX);
    check_text(a->content_id, 1000);
}

static void check_mail(const struct mail *m)
{
    const char *fields[] = {m->sender,  m->recipient, m->cc,         m->bcc,
                            m->subject, m->date_sent, m->message_id, m->in_reply_to};
    const struct mail_addresses *lists[] = {&m->from_list, &m->to_list, &m->cc_list, &m->bcc_list,
                                            &m->reply_to_list};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        check_text(fields[i], MAIL_HEADER_BLOCK_MAX * 4);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        check_addresses(lists[i]);
    check_text(m->message_body, MAIL_TEXT_MAX);
    check_text(m->html, MAIL_TEXT_MAX);
    for (size_t i = 0; i < m->attachment_count; i++)
        check_attachment(&m->attachments[i]);
    MUST(m->references.count <= MAIL_REFERENCES_MAX);
    MUST(m->problems.count <= MAIL_PROBLEMS_MAX + 1);
    for (size_t i = 0; i < m->problems.count; i++)
        check_text(m->problems.items[i], 4096);
}

static void check_same(const struct mail *a, const struct mail *b)
{
    MUST(text_equal(a->message_body, b->message_body));
    MUST(text_equal(a->html, b->html));
    MUST(text_equal(a->subject, b->subject) && text_equal(a->sender, b->sender));
    MUST(a->flags == b->flags && a->attachment_count == b->attachment_count);
    for (size_t i = 0; i < a->attachment_count; i++) {
        MUST(text_equal(a->attachments[i].filename, b->attachments[i].filename));
        MUST(memcmp(a->attachments[i].sha256, b->attachments[i].sha256, MAIL_DIGEST_SIZE) == 0);
    }
    MUST(a->problems.count == b->problems.count);
    for (size_t i = 0; i < a->problems.count; i++)
        MUST(text_equal(a->problems.items[i], b->problems.items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t piece = size > 0 ? 1 + data[size - 1] % 61u : 1;
    AUTO(mail) whole = read_in_pieces(data, size, size + 1);
    AUTO(mail) pieces = read_in_pieces(data, size, piece);
    check_mail(whole);
    check_same(whole, pieces);
    return 0;
}

#ifndef FUZZING

static const struct seed {
    const char *text;
} seeds[] = {
    {"From: =?utf-8?q?Ann?= <a@b>, g:c@d,e@f;\nTo: \"x\\\"y\" (c) <@r:z@d>\nSubject: "
     "=?gb2312?b?xOO6ww==?=\n"
     "Date: Sun, 1 Mar 2026 12:00:00 +0200\n\n=ybegin line=128 size=2 name=a\n*+\n=yend size=2\n"},
    {"Content-Type: multipart/mixed;\n boundary*0=a;\n boundary*1=b\n\n--ab\n"
     "Content-Type: text/html; charset=iso-2022-jp\nContent-Transfer-Encoding: quoted-printable\n\n"
     "=1B$B$3=\n<b>&amp;\n--ab\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: "
     "multipart/digest; boundary=c\n\n--c\n\nTo: x\n\ny\n--c--\n--ab--\n"},
    {"Content-Type: multipart/related; boundary=b\r\n\r\n--b\r\nContent-Type: "
     "multipart/alternative; "
     "boundary=c\r\n\r\n--c\r\n\r\nbegin 644 f\r\n%:&5L;&\\\r\n`\r\nend\r\n--c\r\nContent-Type: "
     "text/html"
     "\r\n\r\n<meta charset=utf-7><p>x\r\n--c--\r\n--b\r\nContent-ID: <a@b>\r\nContent-Type: "
     "image/png; "
     "name*=utf-8''a%2Fb\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA=\r\n--b--\r\n"},
    {"A: b\rContent-Type: multipart/report; boundary=x; report-type=delivery-status\r\r--x\r"
     "Content-Type: message/delivery-status\r\rFinal-Recipient: rfc822;a\rAction: "
     "failed\r\r--x--\r"},
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A piece of one seed replaced by a piece of another, or by noise. */
static size_t mutate(uint8_t *data, size_t size, size_t room, uint32_t *state)
{
    const char *other = seeds[next_random(state) % (sizeof seeds / sizeof seeds[0])].text;
    size_t from = next_random(state) % strlen(other), at = next_random(state) % (size + 1);
    size_t n = next_random(state) % 40, cut = next_random(state) % 20;
    n = n < strlen(other) - from ? n : strlen(other) - from;
    cut = cut < size - at ? cut : size - at;
    if (size - cut + n > room)
        return size;
    memmove(data + at + n, data + at + cut, size - at - cut);
    memcpy(data + at, other + from, n);
    size = size - cut + n;
    if (size > 0 && next_random(state) % 2 == 0)
        data[next_random(state) % size] = (uint8_t)next_random(state);
    return size;
}

static void replay_file(const char *path)
{
    uint8_t *data = malloc(1u << 20);
    FILE *file = fopen(path, "rb");
    MUST(data != NULL && file != NULL);
    size_t size = fread(data, 1, 1u << 20, file);
    fclose(file);
    (void)LLVMFuzzerTestOneInput(data, size);
    free(data);
}

int main(int argc, char **argv)
{
    uint8_t data[4096];
    uint32_t state = 1;
    for (int i = 1; i < argc; i++)
        replay_file(argv[i]);
    for (int round = 0; argc == 1 && round < 2000; round++) {
        const char *seed = seeds[(size_t)round % (sizeof seeds / sizeof seeds[0])].text;
        size_t size = strlen(seed);
        memcpy(data, seed, size);
        for (uint32_t n = next_random(&state) % 8; n > 0; n--)
            size = mutate(data, size, sizeof data, &state);
        (void)LLVMFuzzerTestOneInput(data, size);
    }
    puts("1..1\nok 1 - any bytes are a mail, the same in whatever pieces they come");
    return 0;
}

#endif
