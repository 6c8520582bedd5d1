/* SPDX-License-Identifier: Apache-2.0 */
/* bench-mailbox - write a mailbox of a known shape, the same bytes every time.
 *
 *     bench-mailbox PROFILE DIR [COUNT]
 *
 * DIR/box becomes a Maildir whose names tell the sizes, so that a server need not look. Lines end
 * in LF, as Dovecot stores them. DIR/expected has a line for each message, in order, with tabs
 * between number, SHA-256 of the message (CRLF), SHA-256 of its body (LF), size in octets (CRLF),
 *     SHA-256 of each attachment as decoded
 * and a message names its number in X-Bench. COUNT instead of the profile's is for trials. */
#include <config.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>

#define KIB 1024.0
#define MIB (1024.0 * 1024.0)
#define OUT_BYTES 65536u
#define CHUNK_LINES 512u /* lines of base64 made at once */
#define ATTACHMENTS_MAX 3u
#define HEX_TEXT 65u

/* ---- Profiles -------------------------------------------------------------------------------- */

/* Sizes are log-normal (median, spread) within bounds; spread 0: even between the bounds. */
struct sizes {
    double least, most, median, spread;
};

struct profile {
    const char *name;
    uint32_t count;
    struct sizes text, attachment;
    unsigned with_attachments; /* in 100 messages */
    unsigned most_attachments;
    bool rich; /* HTML beside the text, quoted-printable */
};

static const struct profile profiles[] = {
    {"tiny", 10000, {100, 300, 0, 0}, {0, 0, 0, 0}, 0, 0, false},
    {"small", 10000, {1700, 7600, 0, 0}, {0, 0, 0, 0}, 0, 0, false},
    {"office",
     2000,
     {200, 60 * KIB, 3 * KIB, 1.0},
     {500, 20 * MIB, 150 * KIB, 1.2},
     60,
     ATTACHMENTS_MAX,
     true},
    {"large", 20, {500, 2000, 0, 0}, {25 * MIB, 50 * MIB, 0, 0}, 100, 1, false},
    {"huge", 1, {500, 2000, 0, 0}, {200 * MIB, 200 * MIB, 0, 0}, 100, 1, false},
    {"text", 20, {4 * MIB, 9 * MIB, 0, 0}, {0, 0, 0, 0}, 0, 0, true},
};

static const struct profile *profile_find(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++) {
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    }
    errx(64, "there is no profile '%s'; there are tiny, small, office, large, huge, text", name);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* splitmix64: each message has a state of its own, so that any of them can be made alone. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint32_t random_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)((random_next(state) >> 32) * limit >> 32);
}

static double random_unit(uint64_t *state)
{
    return (double)(random_next(state) >> 11) / 9007199254740992.0;
}

/* Nearly normal: twelve even numbers. */
static double random_normal(uint64_t *state)
{
    double sum = -6;
    for (unsigned i = 0; i < 12; i++)
        sum += random_unit(state);
    return sum;
}

static size_t random_size(uint64_t *state, const struct sizes *sizes)
{
    double size = sizes->least + random_unit(state) * (sizes->most - sizes->least);
    if (sizes->spread > 0)
        size = sizes->median * exp(sizes->spread * random_normal(state));
    return (size_t)fmin(fmax(size, sizes->least), sizes->most);
}

/* ---- A message on its way to a file ---------------------------------------------------------- */

struct out {
    int fd;
    const char *path;
    EVP_MD_CTX *whole, *body; /* with CRLF; with LF, behind the header */
    bool in_body;
    uint64_t size, stored; /* bytes with CRLF, with LF */
    size_t used;
    char bytes[OUT_BYTES];
};

static void digest_add(EVP_MD_CTX *digest, const void *bytes, size_t count)
{
    if (EVP_DigestUpdate(digest, bytes, count) != 1)
        errx(70, "SHA-256 fails");
}

static void digest_start(EVP_MD_CTX *digest)
{
    if (EVP_DigestInit_ex(digest, EVP_sha256(), NULL) != 1)
        errx(70, "there is no SHA-256");
}

static void digest_end(EVP_MD_CTX *digest, char out_hex[HEX_TEXT])
{
    unsigned char sum[EVP_MAX_MD_SIZE];
    unsigned count = 0;
    if (EVP_DigestFinal_ex(digest, sum, &count) != 1 || count != 32)
        errx(70, "SHA-256 fails");
    for (unsigned i = 0; i < count; i++)
        (void)snprintf(out_hex + 2 * i, 3, "%02x", sum[i]);
}

static void out_write(struct out *out, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(out->fd, bytes, count);
        if (n < 0)
            err(74, "%s", out->path);
        bytes += n;
        count -= (size_t)n;
        out->stored += (uint64_t)n;
    }
}

/* CRLF becomes LF. We write no lone CR, and out_text() keeps the pairs together. */
static void out_flush(struct out *out)
{
    char lines[OUT_BYTES];
    size_t count = 0;
    for (size_t at = 0; at < out->used;) {
        const char *end = memchr(out->bytes + at, '\r', out->used - at);
        size_t run = (end == NULL ? out->used : (size_t)(end - out->bytes)) - at;
        memcpy(lines + count, out->bytes + at, run);
        count += run;
        at += run + (end != NULL);
    }
    digest_add(out->whole, out->bytes, out->used);
    if (out->in_body)
        digest_add(out->body, lines, count);
    out->size += out->used;
    out_write(out, lines, count);
    out->used = 0;
}

static void out_text(struct out *out, const char *text, size_t count)
{
    if (out->used + count > sizeof out->bytes)
        out_flush(out);
    memcpy(out->bytes + out->used, text, count);
    out->used += count;
}

__attribute__((format(printf, 2, 3))) static void out_format(struct out *out, const char *format,
                                                             ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    int count = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out_text(out, text, (size_t)count);
}

static void out_body_begins(struct out *out)
{
    out_text(out, "\r\n", 2);
    out_flush(out);
    out->in_body = true;
}

/* ---- What stands in a message ---------------------------------------------------------------- */

static const char *const words[] = {
    "order",  "invoice",  "printer", "meeting", "request",  "answer",   "room",  "floor",
    "report", "ticket",   "backup",  "number",  "customer", "delivery", "change", "problem",
    "please", "reminder", "contract", "holiday", "the",     "and",      "with",  "before"};
#define WORDS (sizeof words / sizeof words[0])

static const struct file_kind {
    const char *suffix, *type;
} file_kinds[] = {
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"bin", "application/octet-stream"}};

/* Lines of words, about @size bytes. @umlaut, where not NULL, begins every fourth line. */
static void write_words(struct out *out, uint64_t *random, size_t size, const char *umlaut)
{
    for (size_t written = 0, line = 0; written < size; line++) {
        char text[120];
        size_t count = 0;
        if (umlaut != NULL && line % 4 == 0)
            count = (size_t)snprintf(text, sizeof text, "%s ", umlaut);
        while (count < 64)
            count += (size_t)snprintf(text + count, sizeof text - count, "%s ",
                                      words[random_below(random, WORDS)]);
        memcpy(text + count - 1, "\r\n", 2);
        out_text(out, text, count + 1);
        written += count + 1;
    }
}

static void write_base64(struct out *out, const unsigned char *bytes, size_t count)
{
    for (size_t at = 0; at < count; at += 57) {
        char line[80];
        size_t step = count - at < 57 ? count - at : 57;
        int size = EVP_EncodeBlock((unsigned char *)line, bytes + at, (int)step);
        memcpy(line + size, "\r\n", 2);
        out_text(out, line, (size_t)size + 2);
    }
}

/* Random bytes in base64; their digest goes to @out_hex. */
static void write_attachment(struct out *out, uint64_t *random, size_t size,
                             char out_hex[HEX_TEXT])
{
    uint64_t bytes[CHUNK_LINES * 57 / 8];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    if (digest == NULL)
        errx(71, "out of memory");
    digest_start(digest);
    while (size > 0) {
        size_t step = size < sizeof bytes ? size : sizeof bytes;
        for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++)
            bytes[i] = random_next(random);
        digest_add(digest, bytes, step);
        write_base64(out, (const unsigned char *)bytes, step);
        size -= step;
    }
    digest_end(digest, out_hex);
    EVP_MD_CTX_free(digest);
}

static void write_text_part(struct out *out, const struct profile *profile, uint64_t *random)
{
    size_t size = random_size(random, &profile->text);
    if (!profile->rich) {
        out_format(out, "Content-Type: text/plain; charset=us-ascii\r\n");
        if (!out->in_body)
            out_body_begins(out);
        else
            out_format(out, "\r\n");
        write_words(out, random, size, NULL);
        return;
    }
    out_format(out, "Content-Type: multipart/alternative; boundary=\"=_alt\"\r\n");
    if (!out->in_body)
        out_body_begins(out);
    else
        out_format(out, "\r\n");
    out_format(out, "--=_alt\r\nContent-Type: text/plain; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
    write_words(out, random, size / 3, "Gr=C3=BC=C3=9Fe =E2=82=AC");
    out_format(out, "--=_alt\r\nContent-Type: text/html; charset=utf-8\r\n"
                    "Content-Transfer-Encoding: quoted-printable\r\n\r\n<html><body><table>\r\n");
    write_words(out, random, size * 2 / 3,
                "</td></tr><tr><td class=3D\"x\"><b>Gr=C3=BC&szlig;e</b>");
    out_format(out, "</table></body></html>\r\n--=_alt--\r\n");
}

struct message {
    uint32_t number;
    unsigned attachments;
    char digests[ATTACHMENTS_MAX][HEX_TEXT];
};

static void write_head(struct out *out, uint64_t *random, uint32_t number)
{
    out_format(out,
               "Return-Path: <sender%u@example.org>\r\nReceived: from relay.example.org "
               "(relay.example.org [192.0.2.7])\r\n\tby mx.example.com with ESMTPS id b%08x\r\n"
               "\tfor <desk@example.com>; Mon, 02 Mar 2026 09:%02u:%02u +0100\r\n"
               "From: =?utf-8?Q?J=C3=B6rg_%s?= <sender%u@example.org>\r\n"
               "To: \"Desk, Front\" <desk@example.com>\r\nSubject: %s %s %u\r\n"
               "Date: Mon, 02 Mar 2026 09:%02u:%02u +0100\r\nMessage-ID: <b%u@example.org>\r\n"
               "X-Bench: %u\r\nMIME-Version: 1.0\r\n",
               number % 97, number, number / 60 % 60, number % 60,
               words[random_below(random, WORDS)], number % 97,
               words[random_below(random, WORDS)], words[random_below(random, WORDS)], number,
               number / 60 % 60, number % 60, number, number);
}

static void write_attachments(struct out *out, const struct profile *profile, uint64_t *random,
                              struct message *message)
{
    for (unsigned i = 0; i < message->attachments; i++) {
        const struct file_kind *kind = &file_kinds[random_below(random, 4)];
        out_format(out,
                   "\r\n--=_mixed\r\nContent-Type: %s; name=\"file-%u-%u.%s\"\r\n"
                   "Content-Transfer-Encoding: base64\r\n"
                   "Content-Disposition: attachment; filename=\"file-%u-%u.%s\"\r\n\r\n",
                   kind->type, message->number, i + 1, kind->suffix, message->number, i + 1,
                   kind->suffix);
        write_attachment(out, random, random_size(random, &profile->attachment),
                         message->digests[i]);
    }
    out_format(out, "\r\n--=_mixed--\r\n");
}

static void write_message(struct out *out, const struct profile *profile, struct message *message)
{
    uint64_t random = (uint64_t)message->number << 32;
    if (random_below(&random, 100) < profile->with_attachments)
        message->attachments = 1 + random_below(&random, profile->most_attachments);
    write_head(out, &random, message->number);
    if (message->attachments == 0) {
        write_text_part(out, profile, &random);
    } else {
        out_format(out, "Content-Type: multipart/mixed; boundary=\"=_mixed\"\r\n");
        out_body_begins(out);
        out_format(out, "This is a message in MIME format.\r\n\r\n--=_mixed\r\n");
        write_text_part(out, profile, &random);
        write_attachments(out, profile, &random, message);
    }
    out_flush(out);
}

/* ---- The mailbox ----------------------------------------------------------------------------- */

/* Paths are short: the mailbox's folder is the working directory. */
static void make_folder(const char *path)
{
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        err(73, "%s", path);
}

static void out_open(struct out *out, const char *path)
{
    out->path = path;
    out->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (out->fd < 0)
        err(73, "%s", path);
    out->in_body = false;
    out->size = out->stored = 0;
    digest_start(out->whole);
    digest_start(out->body);
}

/* The name tells both sizes, therefore it comes last. */
static void out_close(struct out *out, uint32_t number)
{
    char name[160];
    (void)snprintf(name, sizeof name, "box/cur/%u.M%uP1.bench,S=%" PRIu64 ",W=%" PRIu64 ":2,",
                   1700000000 + number, number, out->stored, out->size);
    if (close(out->fd) < 0 || rename(out->path, name) < 0)
        err(74, "%s", name);
}

static void write_expected(FILE *expected, struct out *out, const struct message *message)
{
    char whole[HEX_TEXT], body[HEX_TEXT];
    digest_end(out->whole, whole);
    digest_end(out->body, body);
    (void)fprintf(expected, "%u\t%s\t%s\t%" PRIu64, message->number, whole, body, out->size);
    for (unsigned i = 0; i < message->attachments; i++)
        (void)fprintf(expected, "\t%s", message->digests[i]);
    (void)fputc('\n', expected);
}

static void write_mailbox(const struct profile *profile, uint32_t count, FILE *expected)
{
    static struct out out;
    out.whole = EVP_MD_CTX_new();
    out.body = EVP_MD_CTX_new();
    if (out.whole == NULL || out.body == NULL)
        errx(71, "out of memory");
    for (uint32_t number = 1; number <= count; number++) {
        struct message message = {.number = number};
        out_open(&out, "box/tmp/message");
        write_message(&out, profile, &message);
        out_close(&out, number);
        write_expected(expected, &out, &message);
    }
    EVP_MD_CTX_free(out.whole);
    EVP_MD_CTX_free(out.body);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        errx(64, "usage: bench-mailbox PROFILE DIR [COUNT]");
    const struct profile *profile = profile_find(argv[1]);
    uint32_t count = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : profile->count;
    make_folder(argv[2]);
    if (chdir(argv[2]) < 0)
        err(73, "%s", argv[2]);
    make_folder("box");
    make_folder("box/cur");
    make_folder("box/new");
    make_folder("box/tmp");
    FILE *expected = fopen("expected", "w");
    if (expected == NULL)
        err(73, "%s/expected", argv[2]);
    write_mailbox(profile, count, expected);
    if (fclose(expected) != 0)
        err(74, "%s/expected", argv[2]);
    return 0;
}
