/* SPDX-License-Identifier: Apache-2.0 */
/* bench-parts - how fast are the parts that touch every byte?
 *
 *     bench-parts                a table: MB/s, and how many times as long as memcpy() takes
 *     bench-parts --once NAME    one pass over NAME's input, for callgrind; prints its bytes
 *     bench-parts --names        what there is
 *
 * Each part gets the same input again and again for half a second; the best pass counts. Input is
 * made here, in pieces as they come from a socket (PIECE_BYTES). */
#include <config.h>

#include <err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buffer.h"
#include "digest.h"
#include "header-address.h"
#include "header-text.h"
#include "html-text.h"
#include "imap-response.h"
#include "mail.h"
#include "mime-decode.h"
#include "problem.h"

#define INPUT_BYTES (4u * 1024 * 1024)
#define PIECE_BYTES 65536u
#define SECONDS 0.5

struct part {
    const char *name, *what;
    void (*make)(struct buffer *input);
    void (*run)(const uint8_t *bytes, size_t count);
};

static uint8_t *work; /* room for what is decoded */
static volatile uint8_t sink;

/* ---- Input ----------------------------------------------------------------------------------- */

static void add(struct buffer *input, const char *text)
{
    if (buffer_append_text(input, text) < 0)
        errx(71, "out of memory");
}

static void fill(struct buffer *input, const char *line)
{
    while (input->len < INPUT_BYTES)
        add(input, line);
}

static void make_base64(struct buffer *input)
{
    fill(input, "SGVsbG8gV29ybGQhIFRoaXMgaXMgYSBsaW5lIG9mIGJhc2U2NCB0aGF0IGlzIGxvbmcgZW5vdWdo\r\n");
}

static void make_quoted(struct buffer *input)
{
    fill(input, "Gr=C3=BC=C3=9Fe aus dem B=C3=BCro: the printer on the second floor prints=\r\n"
                " nothing but question marks, and the coffee is out as well.\r\n");
}

static void make_text(struct buffer *input)
{
    fill(input, "From the desk on the second floor: the printer prints nothing but marks.\r\n");
}

static void make_html(struct buffer *input)
{
    add(input, "<html><head><style>p {color: red}</style></head><body>");
    fill(input,
         "<div class=\"x\"><p>The printer on the <b>second floor</b> prints nothing &amp; the "
         "coffee is out.<br>See <a href=\"https://example.org/a?b=c\">the list</a>.</p>"
         "<table><tr><td>one</td><td>t&uuml;rkis</td></tr></table></div>\r\n");
    add(input, "</body></html>");
}

static void make_subject(struct buffer *input)
{
    fill(input,
         "=?utf-8?Q?Gr=C3=BC=C3=9Fe_aus_dem_B=C3=BCro?= =?utf-8?B?w6RuZGVydW5n?= of the order");
}

static void make_addresses(struct buffer *input)
{
    fill(input, "\"Desk, Front\" <desk@example.com>, =?utf-8?Q?J=C3=B6rg?= <j@example.org>, "
                "ann@example.net (Ann Lee), ");
}

static void add_attachment(struct buffer *input, size_t lines)
{
    add(input, "--=_m\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\n"
               "Content-Disposition: attachment; filename=\"a.pdf\"\r\n"
               "Content-Transfer-Encoding: base64\r\n\r\n");
    for (size_t i = 0; i < lines; i++)
        add(input,
            "SGVsbG8gV29ybGQhIFRoaXMgaXMgYSBsaW5lIG9mIGJhc2U2NCB0aGF0IGlzIGxvbmcgZW5vdWdo\r\n");
}

static void add_head(struct buffer *input)
{
    add(input, "From: =?utf-8?Q?J=C3=B6rg?= <j@example.org>\r\nTo: desk@example.com\r\n"
               "Subject: the order of last week\r\nDate: Mon, 02 Mar 2026 09:00:00 +0100\r\n"
               "Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n"
               "Content-Type: multipart/mixed; boundary=\"=_m\"\r\n\r\n"
               "--=_m\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nSee what is attached.\r\n");
}

static void make_mail_large(struct buffer *input)
{
    add_head(input);
    add_attachment(input, INPUT_BYTES / 78);
    add(input, "--=_m--\r\n");
}

/* Messages of 4 KiB, each ended by a byte that stands in none of them. */
static void make_mails_small(struct buffer *input)
{
    while (input->len < INPUT_BYTES) {
        add_head(input);
        add_attachment(input, 45);
        add(input, "--=_m--\r\n\x1f");
    }
}

static void make_bodies(struct buffer *input)
{
    char head[80];
    for (unsigned uid = 1; input->len < INPUT_BYTES; uid++) {
        (void)snprintf(head, sizeof head, "* %u FETCH (UID %u BODY[] {4104}\r\n", uid, uid);
        add(input, head);
        for (unsigned i = 0; i < 57; i++)
            add(input, "From the desk on the second floor: the printer prints nothing, today.\r\n");
        for (unsigned i = 4104 - 57 * 71; i > 0; i--)
            add(input, "x");
        add(input, ")\r\n");
    }
}

static void make_listing(struct buffer *input)
{
    char line[160];
    for (unsigned uid = 1; input->len < INPUT_BYTES; uid++) {
        (void)snprintf(line, sizeof line,
                       "* %u FETCH (UID %u FLAGS (\\Seen) RFC822.SIZE %u INTERNALDATE "
                       "\"02-Mar-2026 09:00:00 +0100\")\r\n",
                       uid, uid, 4000 + uid % 999);
        add(input, line);
    }
}

/* ---- Passes ---------------------------------------------------------------------------------- */

static void run_memcpy(const uint8_t *bytes, size_t count)
{
    memcpy(work, bytes, count);
    sink = work[count / 2];
}

static void run_memchr(const uint8_t *bytes, size_t count)
{
    size_t lines = 0;
    for (const uint8_t *at = bytes, *end = bytes + count; at < end; lines++) {
        const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
        at = lf == NULL ? end : lf + 1;
    }
    sink = (uint8_t)lines;
}

static void run_digest(const uint8_t *bytes, size_t count)
{
    uint8_t sum[DIGEST_SIZE];
    struct digest *digest = digest_new();
    if (digest == NULL || digest_add(digest, bytes, count) < 0 || digest_finish(digest, sum) < 0)
        errx(71, "out of memory");
    digest_free(digest);
    sink = sum[0];
}

/* libcrypto's, to see what ours is worth. */
static void run_libcrypto(const uint8_t *bytes, size_t count)
{
    uint8_t sum[DIGEST_SIZE];
    if (EVP_Digest(bytes, count, sum, NULL, EVP_sha256(), NULL) != 1)
        errx(71, "out of memory");
    sink = sum[0];
}

/* A message and its attachment: one half of the bytes each. */
static void run_two_digests(const uint8_t *bytes, size_t count)
{
    uint8_t sum[DIGEST_SIZE];
    size_t half = count / 2;
    struct digest *message = digest_new(), *attachment = digest_new_beside(message);
    if (message == NULL || attachment == NULL)
        errx(71, "out of memory");
    for (size_t at = 0; at < half; at += PIECE_BYTES) {
        size_t step = half - at < PIECE_BYTES ? half - at : PIECE_BYTES;
        if (digest_lend(message, bytes + at, step) < 0 ||
            digest_add(attachment, bytes + half + at, step) < 0)
            errx(71, "out of memory");
        digest_work(message);
    }
    if (digest_finish(message, sum) < 0 || digest_finish(attachment, sum) < 0)
        errx(71, "out of memory");
    digest_free(attachment);
    digest_free(message);
    sink = sum[0];
}

static void decode(enum mime_encoding encoding, const uint8_t *bytes, size_t count)
{
    struct mime_decoder decoder;
    mime_decoder_init(&decoder, encoding);
    for (size_t at = 0; at < count; at += PIECE_BYTES) {
        size_t step = count - at < PIECE_BYTES ? count - at : PIECE_BYTES;
        (void)mime_decoder_feed(&decoder, bytes + at, step, work);
    }
    (void)mime_decoder_finish(&decoder, work);
    sink = work[0];
}

static void run_base64(const uint8_t *bytes, size_t count)
{
    decode(MIME_BASE64, bytes, count);
}

static void run_quoted(const uint8_t *bytes, size_t count)
{
    decode(MIME_QUOTED_PRINTABLE, bytes, count);
}

static void run_html(const uint8_t *bytes, size_t count)
{
    struct buffer out;
    buffer_init(&out, 2 * (size_t)INPUT_BYTES);
    if (html_to_text((const char *)bytes, count, NULL, &out) < 0)
        errx(71, "out of memory");
    buffer_done(&out);
}

/* As header fields have them: pieces that are no longer than a large field. */
static void run_subject(const uint8_t *bytes, size_t count)
{
    enum { FIELD = 76 * 13 };
    struct buffer out;
    buffer_init(&out, INPUT_BYTES);
    for (size_t at = 0; at + FIELD <= count; at += FIELD) {
        struct span value = {bytes + at, FIELD};
        struct mail_texts problems = {0};
        buffer_clear(&out);
        if (header_decode_text(value, &out, &problems) < 0)
            errx(71, "out of memory");
        mail_texts_done(&problems);
    }
    buffer_done(&out);
}

static void run_addresses(const uint8_t *bytes, size_t count)
{
    enum { FIELD = 102 * 10 };
    for (size_t at = 0; at + FIELD <= count; at += FIELD) {
        struct span value = {bytes + at, FIELD};
        struct mail_addresses addresses = {0};
        struct mail_texts problems = {0};
        if (header_parse_addresses(value, &addresses, &problems) < 0)
            errx(71, "out of memory");
        mail_addresses_done(&addresses);
        mail_texts_done(&problems);
    }
}

static void parse_mail(const uint8_t *bytes, size_t count)
{
    struct mail_options options = {0};
    struct mail *mail = NULL;
    struct error error;
    struct mail_parser *parser = mail_parser_new(&options);
    if (parser == NULL)
        errx(71, "out of memory");
    for (size_t at = 0; at < count; at += PIECE_BYTES) {
        size_t step = count - at < PIECE_BYTES ? count - at : PIECE_BYTES;
        if (mail_parser_feed(parser, bytes + at, step, &error) < 0)
            errx(70, "%s", error.text);
    }
    if (mail_parser_finish(parser, &mail, &error) < 0 || mail->attachment_count != 1)
        errx(70, "the message is not what it was made to be");
    mail_free(mail);
    mail_parser_free(parser);
}

static void run_mail_large(const uint8_t *bytes, size_t count)
{
    parse_mail(bytes, count);
}

static void run_mails_small(const uint8_t *bytes, size_t count)
{
    for (size_t at = 0; at < count;) {
        const uint8_t *end = memchr(bytes + at, 0x1f, count - at);
        size_t size = (size_t)(end - (bytes + at));
        parse_mail(bytes + at, size);
        at += size + 1;
    }
}

static int take_event(void *context, const struct imap_event *event, struct error *error)
{
    (void)error;
    *(uint64_t *)context += event->text.len;
    return 0;
}

static void run_responses(const uint8_t *bytes, size_t count)
{
    uint64_t taken = 0;
    struct error error;
    struct imap_parser *parser = imap_parser_new(take_event, &taken, false);
    if (parser == NULL)
        errx(71, "out of memory");
    for (size_t at = 0; at < count; at += PIECE_BYTES) {
        size_t step = count - at < PIECE_BYTES ? count - at : PIECE_BYTES;
        if (imap_parser_feed(parser, bytes + at, step, &error) < 0)
            errx(70, "%s", error.text);
    }
    imap_parser_free(parser);
    sink = (uint8_t)taken;
}

/* ---- Measuring ------------------------------------------------------------------------------- */

static const struct part parts[] = {
    {"memcpy", "memcpy()", make_text, run_memcpy},
    {"memchr", "memchr() for each line", make_text, run_memchr},
    {"sha256", "digest: SHA-256", make_text, run_digest},
    {"sha256-two", "digest: SHA-256, two side by side", make_text, run_two_digests},
    {"sha256-libcrypto", "SHA-256 of libcrypto", make_text, run_libcrypto},
    {"response-bodies", "response parser: bodies of 4 KiB", make_bodies, run_responses},
    {"response-listing", "response parser: FLAGS, SIZE, DATE", make_listing, run_responses},
    {"mail-large", "mail: one attachment of 4 MiB", make_mail_large, run_mail_large},
    {"mail-small", "mail: messages of 4 KiB", make_mails_small, run_mails_small},
    {"base64", "base64", make_base64, run_base64},
    {"quoted-printable", "quoted-printable", make_quoted, run_quoted},
    {"html", "HTML to text", make_html, run_html},
    {"header-text", "header: encoded words", make_subject, run_subject},
    {"header-address", "header: addresses", make_addresses, run_addresses},
};
#define PARTS (sizeof parts / sizeof parts[0])

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Seconds of the best pass. */
static double best_pass(const struct part *part, const struct buffer *input)
{
    double start = now(), best = 1e9;
    while (now() - start < SECONDS) {
        double before = now();
        part->run((const uint8_t *)input->data, input->len);
        double took = now() - before;
        best = took < best ? took : best;
    }
    return best;
}

static void table(void)
{
    double copy = 0; /* seconds for a byte */
    (void)printf("| %-36s |    MB/s | x memcpy |\n|--------------------------------------|--------:"
                 "|---------:|\n",
                 "part");
    for (size_t i = 0; i < PARTS; i++) {
        struct buffer input;
        buffer_init(&input, 2 * (size_t)INPUT_BYTES);
        parts[i].make(&input);
        double each = best_pass(&parts[i], &input) / (double)input.len;
        copy = i == 0 ? each : copy;
        (void)printf("| %-36s | %7.0f | %8.1f |\n", parts[i].what, 1 / each / 1e6, each / copy);
        buffer_done(&input);
    }
}

/* Named so that callgrind can be told to count nothing else. */
__attribute__((noinline)) void bench_measured(const struct part *part, const struct buffer *input);
__attribute__((noinline)) void bench_measured(const struct part *part, const struct buffer *input)
{
    part->run((const uint8_t *)input->data, input->len);
}

static void once(const char *name)
{
    for (size_t i = 0; i < PARTS; i++) {
        if (strcmp(parts[i].name, name) != 0)
            continue;
        struct buffer input;
        buffer_init(&input, 2 * (size_t)INPUT_BYTES);
        parts[i].make(&input);
        bench_measured(&parts[i], &input);
        (void)printf("%zu\n", input.len);
        buffer_done(&input);
        return;
    }
    errx(64, "there is no part '%s'; see --names", name);
}

int main(int argc, char **argv)
{
    work = malloc(2 * (size_t)INPUT_BYTES);
    if (work == NULL)
        errx(71, "out of memory");
    memset(work, 0, 2 * (size_t)INPUT_BYTES);
    if (argc == 3 && strcmp(argv[1], "--once") == 0)
        once(argv[2]);
    else if (argc == 2 && strcmp(argv[1], "--names") == 0)
        for (size_t i = 0; i < PARTS; i++)
            (void)printf("%s\n", parts[i].name);
    else if (argc == 1)
        table();
    else
        errx(64, "usage: bench-parts [--names | --once NAME]");
    free(work);
    return 0;
}
