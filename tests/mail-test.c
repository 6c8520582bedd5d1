/* SPDX-License-Identifier: Apache-2.0 */
/* mail-test.c - promises of loader/mime/mail.h: what a message becomes. */
#include <config.h>
#include "check-main.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "buffer.h"
#include "digest.h"
#include "mail.h"
#include "text.h"

#define PART "\n--b\nContent-Type: "
#define MIXED "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n" PART

static struct mail *mail_of_bytes(const char *message, size_t len, size_t cut,
                                  const struct mail_options *options)
{
    struct error err;
    struct mail *mail = NULL;
    AUTO(mail_parser) p = mail_parser_new(options);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(mail_parser_feed(p, (const uint8_t *)message, cut, &err), 0);
    ck_assert_int_eq(mail_parser_feed(p, (const uint8_t *)message + cut, len - cut, &err), 0);
    ck_assert_int_eq(mail_parser_finish(p, &mail, &err), 0);
    return mail;
}

static struct mail *mail_of(const char *message)
{
    return mail_of_bytes(message, strlen(message), 0, NULL);
}

static bool told(const struct mail *mail, const char *piece)
{
    for (size_t i = 0; i < mail->problems.count; i++) {
        if (strstr(mail->problems.items[i], piece) != NULL)
            return true;
    }
    return false;
}

static void ck_text(const char *got, const char *want, const char *what)
{
    ck_assert_msg(text_equal(got, want), "%s: '%s', want '%s'", what, got != NULL ? got : "(none)",
                  want != NULL ? want : "(none)");
}

START_TEST(the_fields_of_a_mail_are_what_a_person_would_read)
{
    AUTO(mail)
    m = mail_of("From: Ann Example <ann@example.org>\r\n"
                "To: bob@example.org, \"Carl C.\" <carl@example.org>\r\n"
                "Cc: dan@example.org\r\nBcc: eve@example.org\r\n"
                "Reply-To: f@example.org\r\n"
                "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
                "Date: Sun, 1 Mar 2026 12:00:00 +0200\r\n"
                "Message-ID: <1@example.org>\r\nIn-Reply-To: <0@example.org>\r\n"
                "References: <a@example.org> <0@example.org>\r\n\r\nHello\r\n");
    ck_text(m->sender, "Ann Example <ann@example.org>", "sender");
    ck_text(m->recipient, "bob@example.org; Carl C. <carl@example.org>", "recipient");
    ck_text(m->cc, "dan@example.org", "cc");
    ck_text(m->bcc, "eve@example.org", "bcc");
    ck_assert_uint_eq(m->reply_to_list.count, 1);
    ck_text(m->subject,
            "Gr\xC3\xBC\xC3\x9F"
            "e",
            "subject");
    ck_text(m->date_sent, "2026-03-01T12:00:00+02:00", "date");
    ck_text(m->message_id, "1@example.org", "id");
    ck_text(m->in_reply_to, "0@example.org", "in reply to");
    ck_assert_uint_eq(m->references.count, 2);
    ck_text(m->message_body, "Hello\n", "body");
    ck_text(m->html, NULL, "html");
    ck_assert_uint_eq(m->attachment_count, 0);
    ck_assert_uint_eq(m->problems.count, 0);
}
END_TEST

START_TEST(a_mail_without_anything_is_still_a_mail)
{
    static const char *const empty[] = {"", "\r\n", "X: y", "\n\n"};
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
        AUTO(mail) m = mail_of(empty[i]);
        ck_assert_ptr_null(m->sender);
        ck_assert_ptr_null(m->recipient);
        ck_assert_ptr_null(m->subject);
        ck_assert_ptr_null(m->date_sent);
        ck_assert_uint_eq(m->attachment_count, 0);
    }
}
END_TEST

static const struct body_row {
    const char *what, *message, *text, *html, *names; /* names of attachments, each with ";" */
} body_rows[] = {
    {"plain", "\nhello\r\nyou\rall\n", "hello\nyou\nall\n", NULL, ""},
    {"html alone", "Content-Type: text/html\n\n<p>Hello <b>you</b></p>", "Hello you",
     "<p>Hello <b>you</b></p>", ""},
    {"html, then a footer", MIXED "text/html\n\n<p>Hello</p>" PART "text/plain\n\nfooter\n--b--\n",
     "Hello\nfooter", "<p>Hello</p>", ""},
    {"html alternative that has no text in it",
     "Content-Type: multipart/alternative; boundary=b\n" PART "text/plain\n\n" PART
     "text/html\n\n<p>Hello</p>\n--b--\n",
     "Hello", "<p>Hello</p>", ""},
    {"related",
     "Content-Type: multipart/related; boundary=b\n" PART "text/html\n\n<p>x</p>" PART
     "image/gif; name=i.gif\nContent-ID: <i@x>\nContent-Disposition: inline\n\nGIF" PART
     "text/plain\nContent-ID: <j@x>\n\nnot a body\n--b--\n",
     "x", "<p>x</p>", "i.gif;noname1.txt;"},
    {"alternative",
     "Content-Type: multipart/alternative; boundary=b\n" PART "text/plain\n\nhello" PART
     "text/html\n\n<b>hello</b>\n--b--\n",
     "hello", "<b>hello</b>", ""},
    {"two texts and a file between",
     MIXED "text/plain\n\none" PART "image/png\n\nPNG" PART "text/plain\n\ntwo\n--b--\n",
     "one\ntwo", NULL, "noname1.png;"},
    {"text as file",
     MIXED "text/plain\n\nbody" PART "text/plain; name=a.txt\n\nfile" PART
           "text/html\nContent-Disposition: attachment; filename=b.html\n\n<p>\n--b--\n",
     "body", NULL, "a.txt;b.html;"},
    {"named first part: to be read and to be saved",
     MIXED "text/plain; name=a.txt\n\nboth\n--b--\n", "both", NULL, "a.txt;"},
    {"only files", MIXED "application/pdf; name=\"../x.pdf\"\n\nPDF\n--b--\n", NULL, NULL,
     "x.pdf;"},
    {"attached message, not its parts",
     MIXED "text/plain\n\nsee" PART "message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; "
           "boundary=c\n\n--c\n\ninner\n--c\nContent-Type: image/png\n\nPNG\n--c--\n\n--b--\n",
     "see", NULL, "noname1.eml;"},
    {"calendar, signature, report",
     MIXED "text/plain\n\nx" PART "text/calendar; method=REQUEST\n\nBEGIN" PART
           "application/pgp-signature; name=s.asc\n\nSIG" PART
           "message/delivery-status\n\nA: b\n--b--",
     "x", NULL, "noname1.ics;s.asc;noname2.txt;"},
    {"boundary never used", "Content-Type: multipart/mixed; boundary=b\n\nread me\n", "read me\n",
     NULL, ""},
    {"no boundary", "Content-Type: multipart/mixed\n\nread me\n", "read me\n", NULL, ""},
    {"preamble is no body", MIXED "text/plain\n\nx\n--b--\nepilogue\n", "x", NULL, ""},
    {"base64 text", "Content-Transfer-Encoding: base64\n\naGVsbG8NCnlvdQ==\n", "hello\nyou", NULL,
     ""},
    {"quoted-printable, latin 1",
     "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\n"
     "caf=E9=\n au lait\n",
     "caf\xC3\xA9 au lait\n", NULL, ""},
    {"html that tells its charset itself",
     "Content-Type: multipart/alternative; boundary=b\n" PART "text/plain\n\nx" PART
     "text/html\n\n<META http-equiv=x content=\"text/html; charset=iso-8859-5\"><p>\xBF\n--b--\n",
     "x", "<META http-equiv=x content=\"text/html; charset=iso-8859-5\"><p>\xD0\x9F", ""},
    {"html whose part tells the charset",
     "Content-Type: multipart/alternative; boundary=b\n" PART "text/plain\n\nx" PART
     "text/html; charset=iso-8859-1\n\n<meta charset=iso-8859-5>\xE4\n--b--\n",
     "x", "<meta charset=iso-8859-5>\xC3\xA4", ""},
    {"documents in related that refer to nothing",
     "Content-Type: multipart/related; boundary=b\n" PART "image/png\nContent-ID: <i@x>\n\nPNG" PART
     "text/plain\n\none" PART "text/plain\n\ntwo" PART
     "text/plain\nContent-ID: <j@x>\n\nthree\n--b--\n",
     "one\ntwo\nthree", NULL, "noname1.png;"},
    {"quoted-printable around a boundary never used",
     "Content-Type: multipart/mixed; boundary=b; charset=iso-8859-1\n"
     "Content-Transfer-Encoding: quoted-printable\n\ncaf=E9\n",
     "caf\xC3\xA9\n", NULL, ""},
    {"parameter that lost its fold",
     "Content-Type: multipart/mixed;\nboundary=b\n" PART "text/plain\n\nx", "x", NULL, ""},
    {"file inside the text", "\nbefore\nbegin 644 a.txt\n%:&5L;&\\\n`\nend\nafter\n",
     "before\nafter\n", NULL, "a.txt;"},
    {"header without separator", "Subject: x\nhello\nyou\n", "hello\nyou\n", NULL, ""},
};

static void ck_body_row(const struct body_row *row, size_t cut)
{
    AUTO(mail) m = mail_of_bytes(row->message, strlen(row->message), cut, NULL);
    char names[1000] = "";
    for (size_t i = 0; i < m->attachment_count; i++) {
        strncat(names, m->attachments[i].filename, 300);
        strncat(names, ";", 2);
    }
    ck_text(m->message_body, row->text, row->what);
    ck_text(m->html, row->html, row->what);
    ck_text(names, row->names, row->what);
}

START_TEST(each_row_has_the_body_and_the_files_a_person_would_expect_wherever_it_is_cut)
{
    const struct body_row *row = &body_rows[_i];
    for (size_t cut = 0; cut <= strlen(row->message); cut++)
        ck_body_row(row, cut);
}
END_TEST

static const struct flag_row {
    const char *message;
    uint32_t want;
} flag_rows[] = {
    {"Subject: x\n\nhello\n", 0},
    {"Auto-Submitted: no\n\n", 0},
    {"Auto-Submitted: auto-replied; owner=a@example.org\n\n", MAIL_AUTO},
    {"Auto-Submitted: auto-generated (why)\n\n", MAIL_AUTO},
    {"Auto-Submitted: (by hand) No (a person wrote it)\n\n", 0},
    {"X-Autoreply: yes\n\n", MAIL_AUTO},
    {"Precedence: auto_reply\n\n", MAIL_AUTO},
    {"List-Id: Some list <list.example.org>\n\n", MAIL_LIST},
    {"List-Unsubscribe: <mailto:x@example.org>\n\n", MAIL_LIST},
    {"Return-Path: <>\n\n", 0},
    {"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b--\n",
     MAIL_BOUNCE},
    {"Return-Path: <>\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b--\n",
     MAIL_BOUNCE},
    {"Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nx",
     0},
    {"Return-Path: <>\nContent-Type: multipart/report; report-type=disposition-notification; "
     "boundary=b\n\n--b\n\nx\n--b--\n",
     0},
    {"Return-Path: <>\nContent-Type: multipart/report; report-type=feedback-report; "
     "boundary=b\n\n--b\n\nx\n--b--\n",
     0},
    {MIXED "message/delivery-status\n\nReporting-MTA: dns; x\n\n--b--\n", MAIL_BOUNCE},
    {"Content-Type: multipart/signed; boundary=b\n\n--b\n\nx\n--b--\n", MAIL_SIGNED},
    {"Content-Type: multipart/encrypted; boundary=b\n\n--b\n\nx\n--b--\n", MAIL_ENCRYPTED},
    {"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nx", MAIL_ENCRYPTED},
    {"Content-Type: text/plain\n\n-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nx\n",
     MAIL_SIGNED},
    {"Content-Type: text/plain\n\nas in -----BEGIN PGP SIGNED MESSAGE-----\n", 0},
    {"Content-Type: text/plain\n\n> -----BEGIN PGP MESSAGE-----\nmine:\n"
     "-----BEGIN PGP MESSAGE-----\n\nx\n",
     MAIL_ENCRYPTED},
    {MIXED "message/rfc822\n\nList-Id: <x>\nAuto-Submitted: auto-replied\n\nx\n--b--\n", 0},
};

START_TEST(flags_come_from_headers_and_structure)
{
    AUTO(mail) m = mail_of(flag_rows[_i].message);
    ck_assert_msg(m->flags == flag_rows[_i].want, "'%s': %u", flag_rows[_i].message, m->flags);
}
END_TEST

START_TEST(a_bounce_tells_who_could_not_be_reached_and_why)
{
    AUTO(mail)
    m = mail_of(
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n" PART
        "text/plain\n\nsorry" PART
        "message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\n"
        "Final-Recipient: rfc822; ann@example.org\nAction: failed\nStatus: 5.1.1\n\n"
        "Final-Recipient: rfc822; bob@example.org\nAction: delivered\nStatus: 2.0.0\n\n"
        "Final-Recipient: rfc822;carl@example.org\nAction: Failed\nStatus: 5.2.2 (full)\n\n"
        "Final-Recipient: rfc822;dan@example.org\nAction: failed (for good)\n\n"
        "Final-Recipient: rfc822;eve@example.org\nAction: delayed (later)\nStatus: 5.0.0\n--b--\n");
    ck_assert(told(m, "delivery to 'ann@example.org' failed: 5.1.1"));
    ck_assert(told(m, "delivery to 'carl@example.org' failed: 5.2.2"));
    ck_assert(!told(m, "bob@example.org"));
    ck_assert_uint_eq(m->problems.count, 3);
    ck_assert_str_eq(m->problems.items[2], "delivery to 'dan@example.org' failed");
}
END_TEST

START_TEST(signatures_beyond_the_limit_stay_closed_and_that_is_told)
{
    for (unsigned parts = 8; parts <= 9; parts++) {
        AUTO_DONE(buffer) b;
        buffer_init(&b, 4096);
        ck_assert_int_eq(buffer_append_text(&b, "Content-Type: multipart/mixed; boundary=b\n"), 0);
        for (unsigned i = 0; i < parts; i++)
            ck_assert_int_eq(
                buffer_append_text(&b, PART "application/pkcs7-mime; name=smime.p7m\n\nx"), 0);
        ck_assert_int_eq(buffer_append_text(&b, "\n--b--\n"), 0);
        AUTO(mail) m = mail_of(buffer_text(&b));
        ck_assert_uint_eq(m->attachment_count, parts);
        ck_assert_int_eq(told(m, "more than 8 signatures: the rest is not opened"), parts > 8);
    }
}
END_TEST

START_TEST(text_that_a_multipart_without_parts_has_too_much_of_is_cut_and_that_is_told)
{
    const size_t most = 1024 * 1024;
    for (size_t count = most - 1; count <= most + 1; count++) {
        AUTO_DONE(buffer) b;
        buffer_init(&b, 2 * most);
        ck_assert_int_eq(buffer_append_text(&b, "Content-Type: multipart/mixed; boundary=b\n\n"),
                         0);
        for (size_t i = 0; i < count; i++)
            ck_assert_int_eq(buffer_append_byte(&b, 'a'), 0);
        AUTO(mail) m = mail_of(buffer_text(&b));
        ck_assert_uint_eq(strlen(m->message_body), count < most ? count : most);
        ck_assert_int_eq(told(m, "multipart without parts: cut behind 1 MB"), count > most);
    }
}
END_TEST

START_TEST(a_date_that_cannot_be_read_is_told_as_it_stands)
{
    AUTO(mail) m = mail_of("Date:  soon enough \r\n\r\nx\r\n");
    ck_assert_ptr_null(m->date_sent);
    ck_assert_uint_eq(m->problems.count, 1);
    ck_assert_str_eq(m->problems.items[0], "date 'soon enough' cannot be read");
}
END_TEST

/* ---- attachments and their bytes ---- */

struct collected {
    struct buffer bytes[8]; /* by ordinal */
    unsigned empty[8], calls, stop_after;
};

static int collect(void *context, uint32_t ordinal, const uint8_t *bytes, size_t count)
{
    struct collected *c = context;
    ck_assert_uint_gt(ordinal, 0);
    ck_assert_uint_lt(ordinal, 8);
    if (c->stop_after != 0 && ++c->calls >= c->stop_after)
        return -1;
    if (count == 0)
        c->empty[ordinal]++;
    return buffer_append(&c->bytes[ordinal], bytes, count);
}

static void collected_init(struct collected *c)
{
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < 8; i++)
        buffer_init(&c->bytes[i], 1u << 26);
}

static void collected_done(struct collected *c)
{
    for (size_t i = 0; i < 8; i++)
        buffer_done(&c->bytes[i]);
}

static const char files[] = MIXED
    "text/html\n\n<p>Hi</p>" PART "application/pdf; name=a.pdf\n"
    "Content-Transfer-Encoding: base64\nContent-Disposition: attachment\nContent-ID: <c@x>\n\n"
    "AAEC/w==\n" PART
    "message/rfc822\n\nSubject: in\r\nContent-Type: multipart/mixed; boundary=c\n\n"
    "--c\nContent-Type: image/png\n\nPNG\n--c--\n" PART "image/gif\n\n\n--b--\n";

START_TEST(the_sink_gets_each_attachments_decoded_bytes_and_the_entry_their_size_and_digest)
{
    for (size_t cut = 0; cut < sizeof files; cut++) {
        struct collected c;
        collected_init(&c);
        const struct mail_sink sink = {collect, &c};
        const struct mail_options options = {.attach_html = true, .sink = &sink};
        AUTO(mail) m = mail_of_bytes(files, sizeof files - 1, cut, &options);
        ck_assert_uint_eq(m->attachment_count, 4);
        static const struct {
            const char *name, *type, *disposition, *id, *bytes;
            size_t size;
        } want[] = {
            {"a.pdf", "application/pdf", "attachment", "c@x", "\x00\x01\x02\xFF", 4},
            {"noname1.eml", "message/rfc822", NULL, NULL,
             "Subject: in\r\nContent-Type: multipart/mixed; boundary=c\n\n"
             "--c\nContent-Type: image/png\n\nPNG\n--c--\n",
             95},
            {"noname2.gif", "image/gif", NULL, NULL, "", 0},
            {"original.html", "text/html", "attachment", NULL, "<p>Hi</p>", 9},
        };
        for (size_t i = 0; i < 4; i++) {
            const struct mail_attachment *a = &m->attachments[i];
            uint8_t sum[DIGEST_SIZE];
            AUTO(digest) d = digest_new();
            ck_assert_int_eq(digest_add(d, (const uint8_t *)want[i].bytes, want[i].size), 0);
            ck_assert_int_eq(digest_finish(d, sum), 0);
            ck_text(a->filename, want[i].name, "name");
            ck_text(a->content_type, want[i].type, "type");
            ck_text(a->disposition, want[i].disposition, "disposition");
            ck_text(a->content_id, want[i].id, "id");
            ck_assert_uint_eq(a->size, want[i].size);
            ck_assert_mem_eq(a->sha256, sum, sizeof sum);
            ck_assert_uint_eq(c.bytes[i + 1].len, want[i].size);
            ck_assert_uint_eq(c.empty[i + 1], want[i].size == 0 ? 1 : 0);
            if (want[i].size > 0)
                ck_assert_mem_eq(c.bytes[i + 1].data, want[i].bytes, want[i].size);
        }
        collected_done(&c);
    }
}
END_TEST

START_TEST(a_sink_that_says_stop_ends_it_as_cancelled)
{
    for (unsigned stop = 1; stop <= 3; stop++) {
        struct collected c;
        struct error err = {0};
        collected_init(&c);
        c.stop_after = stop;
        const struct mail_sink sink = {collect, &c};
        const struct mail_options options = {.sink = &sink};
        AUTO(mail_parser) p = mail_parser_new(&options);
        AUTO(mail) m = NULL;
        int result = mail_parser_feed(p, (const uint8_t *)files, sizeof files - 1, &err);
        if (result == 0)
            result = mail_parser_finish(p, &m, &err);
        ck_assert_int_eq(result, -1);
        ck_assert_int_eq(err.class, ERROR_CANCELLED);
        collected_done(&c);
    }
}
END_TEST

START_TEST(html_is_attached_only_when_there_is_some)
{
    const struct mail_options options = {.attach_html = true};
    static const char plain[] = "Subject: x\n\nhello\n";
    AUTO(mail) m = mail_of_bytes(plain, sizeof plain - 1, 0, &options);
    ck_assert_uint_eq(m->attachment_count, 0);
}
END_TEST

START_TEST(sanitize_drops_what_xml_forbids_and_nothing_else)
{
    static const char message[] = "Subject: a\x01z\n\nb\x02 \t\x1F"
                                  "c\xEF\xBF\xBE"
                                  "d\xEF\xBF\xBD\n";
    const struct mail_options options = {.sanitize = true};
    AUTO(mail) m = mail_of_bytes(message, sizeof message - 1, 0, &options);
    ck_text(m->message_body, "b \tcd\xEF\xBF\xBD\n", "body");
    ck_assert_ptr_null(strchr(m->subject, '\x01'));
}
END_TEST

/* ---- hostile input ---- */

static bool texts_are_utf8(const struct mail *m)
{
    const char *texts[] = {m->sender,       m->recipient, m->subject,
                           m->message_body, m->html,      m->message_id};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i] != NULL && !text_is_utf8(texts[i], strlen(texts[i])))
            return false;
    }
    for (size_t i = 0; i < m->attachment_count; i++) {
        const char *name = m->attachments[i].filename;
        if (name[0] == '\0' || strlen(name) > MAIL_FILENAME_MAX || strchr(name, '/') != NULL ||
            !text_is_utf8(name, strlen(name)))
            return false;
    }
    return true;
}

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

START_TEST(any_damage_to_a_mail_gives_valid_text_alike_in_pieces)
{
    uint32_t seed = 77u + (uint32_t)_i;
    char message[sizeof files];
    for (int round = 0; round < 200; round++) {
        memcpy(message, files, sizeof files);
        for (uint32_t n = 1 + next_random(&seed) % 6; n > 0; n--)
            message[next_random(&seed) % (sizeof files - 1)] = (char)next_random(&seed);
        AUTO(mail) a = mail_of_bytes(message, sizeof files - 1, 0, NULL);
        AUTO(mail)
        b = mail_of_bytes(message, sizeof files - 1, next_random(&seed) % sizeof files, NULL);
        ck_assert(texts_are_utf8(a));
        ck_text(b->message_body, a->message_body, "body");
        ck_text(b->html, a->html, "html");
        ck_assert_uint_eq(a->attachment_count, b->attachment_count);
        ck_assert_uint_eq(a->problems.count, b->problems.count);
        for (size_t i = 0; i < a->attachment_count; i++) {
            ck_text(b->attachments[i].filename, a->attachments[i].filename, "name");
            ck_assert_mem_eq(b->attachments[i].sha256, a->attachments[i].sha256, MAIL_DIGEST_SIZE);
        }
    }
}
END_TEST

#ifdef __SANITIZE_ADDRESS__
#define COUNTS_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define COUNTS_MEMORY 0
#endif
#endif
#ifndef COUNTS_MEMORY
#define COUNTS_MEMORY 1 /* the sanitizer's own allocator tells nothing to mallinfo2() */
#endif

static size_t memory_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* A message that is made while it is read: @head, then @piece @times over. */
static const struct bomb_row {
    const char *what, *head, *piece;
    unsigned times;
    size_t memory_max;
} bombs[] = {
    {"base64 without end", "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\n",
     "AAAABBBBCCCCDDDDEEEEFFFFGGGGHHHHIIIIJJJJKKKKLLLLMMMMNNNNOOOOPPPPQQQQRRRRSSSS\r\n", 400000,
     2u << 20},
    {"million empty parts", "Content-Type: multipart/mixed; boundary=b\n\n", "--b\n", 1000000,
     2u << 20},
    {"million headers", "", "Subject: x\n", 1000000, 2u << 20},
    {"one long header", "Subject: ", "ssssssssssssssssssssssssssssssss", 320000, 3u << 20},
    {"group of addresses", "To: ", "a:a:a:a:a:a:a:a:", 600000, 4u << 20},
    {"many addresses", "To: ", "a@b.example, ", 800000, 4u << 20},
    {"parameters", "Content-Type: a/b", "; n*0*=x; n*1*=y; n*2*=z", 400000, 4u << 20},
    {"nested messages", "", "Content-Type: message/rfc822\n\n", 300000, 2u << 20},
    {"same boundary for ever", "", "Content-Type: multipart/mixed; boundary=b\n\n--b\n", 200000,
     2u << 20},
    {"lines of dashes", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n", "--\n--x\n-\n",
     1000000, 2u << 20},
    {"garbage header lines", "", "g\n", 3000000, 2u << 20},
    {"preamble without end", "Content-Type: multipart/mixed; boundary=b\n\n", "This is MIME\n",
     1000000, 4u << 20},
    {"files in text", "\n", "begin 644 a\n%:&5L;&\\\n`\nend\n", 500000, 4u << 20},
    {"flowed text without end", "Content-Type: text/plain; format=flowed; delsp=yes\n\n",
     "All work and no play makes Jack \n", 1000000, 2u << 20},
    {"text and HTML that never repeats it", MIXED "text/plain\n\n<<" PART "text/html\n\n", "&lt;x<",
     2000000, 2u << 20},
    {"raw 8-bit header", "Content-Type: text/plain; charset=koi8-r\nSubject: ", "\xF0\xD2\xC9\xD7",
     1000000, 4u << 20},
    {"text without end", "\n", "All work and no play makes Jack a dull boy\r\n", 1000000, 2u << 20},
};

START_TEST(a_bomb_costs_no_more_memory_than_a_small_mail)
{
    const struct bomb_row *bomb = &bombs[_i];
    struct error err;
    struct buffer block;
    size_t len = strlen(bomb->piece), before = memory_in_use(), most = before;
    buffer_init(&block, 1u << 20);
    while (block.len + len < 32768)
        ck_assert_int_eq(buffer_append(&block, bomb->piece, len), 0);
    AUTO(mail_parser) p = mail_parser_new(NULL);
    ck_assert_int_eq(mail_parser_feed(p, (const uint8_t *)bomb->head, strlen(bomb->head), &err), 0);
    for (size_t left = bomb->times * len; left > 0;) {
        size_t n = left < block.len ? left : block.len, now;
        ck_assert_int_eq(mail_parser_feed(p, (const uint8_t *)block.data, n, &err), 0);
        left -= n;
        now = memory_in_use();
        most = now > most ? now : most;
    }
    AUTO(mail) m = NULL;
    ck_assert_int_eq(mail_parser_finish(p, &m, &err), 0);
    size_t now = memory_in_use();
    most = now > most ? now : most;
    ck_assert(texts_are_utf8(m));
    if (COUNTS_MEMORY)
        ck_assert_msg(most - before <= bomb->memory_max, "%s: %zu kB", bomb->what,
                      (most - before) / 1024);
    buffer_done(&block);
}
END_TEST

START_TEST(text_beyond_its_limit_is_cut_and_that_is_told)
{
    struct buffer b;
    buffer_init(&b, 64u << 20);
    buffer_append_text(&b, "Subject: x\n\n");
    while (b.len < MAIL_TEXT_MAX + 65536)
        buffer_append_text(&b, "caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9 caf\xC3\xA9\n");
    AUTO(mail) m = mail_of_bytes(b.data, b.len, 12345, NULL);
    ck_assert_uint_le(strlen(m->message_body), MAIL_TEXT_MAX);
    ck_assert_uint_gt(strlen(m->message_body), MAIL_TEXT_MAX - 65536);
    ck_assert(text_is_utf8(m->message_body, strlen(m->message_body)));
    ck_assert(told(m, "text longer than 10 MB: cut"));
    buffer_done(&b);
}
END_TEST

START_TEST(text_and_html_share_one_limit)
{
    static const char *const kinds[] = {"mixed", "alternative"};
    struct buffer b;
    buffer_init(&b, 64u << 20);
    buffer_printf(&b, "Content-Type: multipart/%s; boundary=b\n\n", kinds[_i]);
    for (size_t part = 1; part <= 2; part++) {
        buffer_printf(&b, "--b\nContent-Type: text/%s\n\n", part == 1 ? "plain" : "html");
        while (b.len < part * (MAIL_TEXT_MAX / 4 * 3))
            buffer_append_text(&b, "one two three four five\n");
    }
    AUTO(mail) m = mail_of_bytes(b.data, b.len, 12345, NULL);
    size_t text = strlen(m->message_body), html = strlen(m->html);
    ck_assert_uint_le(text + html, MAIL_TEXT_MAX);
    ck_assert_uint_gt(text + html, MAIL_TEXT_MAX - 65536);
    ck_assert_uint_gt(text, 0);
    ck_assert(told(m, "text longer than 10 MB: cut"));
    buffer_done(&b);
}
END_TEST

START_TEST(text_behind_html_is_cut_and_not_left_out)
{
    struct buffer b;
    buffer_init(&b, 64u << 20);
    buffer_append_text(&b, "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
                           "Content-Type: text/html\n\n<p>first\n--b\n\n");
    while (b.len < MAIL_TEXT_MAX + 65536)
        buffer_append_text(&b, "caf\xC3\xA9\n");
    AUTO(mail) m = mail_of_bytes(b.data, b.len, 12345, NULL);
    ck_assert_int_eq(strncmp(m->message_body, "first\ncaf\xC3\xA9\n", 12), 0);
    ck_assert_uint_gt(strlen(m->message_body), MAIL_TEXT_MAX - 65536);
    ck_assert(text_is_utf8(m->message_body, strlen(m->message_body)));
    buffer_done(&b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mail");
    TCase *t = tcase_create("mail");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, the_fields_of_a_mail_are_what_a_person_would_read);
    tcase_add_test(t, a_mail_without_anything_is_still_a_mail);
    tcase_add_loop_test(
        t, each_row_has_the_body_and_the_files_a_person_would_expect_wherever_it_is_cut, 0,
        sizeof body_rows / sizeof body_rows[0]);
    tcase_add_loop_test(t, flags_come_from_headers_and_structure, 0,
                        sizeof flag_rows / sizeof flag_rows[0]);
    tcase_add_test(t, a_bounce_tells_who_could_not_be_reached_and_why);
    tcase_add_test(t, a_date_that_cannot_be_read_is_told_as_it_stands);
    tcase_add_test(t, signatures_beyond_the_limit_stay_closed_and_that_is_told);
    tcase_add_test(t,
                   text_that_a_multipart_without_parts_has_too_much_of_is_cut_and_that_is_told);
    tcase_add_test(
        t, the_sink_gets_each_attachments_decoded_bytes_and_the_entry_their_size_and_digest);
    tcase_add_test(t, a_sink_that_says_stop_ends_it_as_cancelled);
    tcase_add_test(t, html_is_attached_only_when_there_is_some);
    tcase_add_test(t, sanitize_drops_what_xml_forbids_and_nothing_else);
    tcase_add_loop_test(t, any_damage_to_a_mail_gives_valid_text_alike_in_pieces, 0, 8);
    tcase_add_loop_test(t, a_bomb_costs_no_more_memory_than_a_small_mail, 0,
                        sizeof bombs / sizeof bombs[0]);
    tcase_add_test(t, text_beyond_its_limit_is_cut_and_that_is_told);
    tcase_add_loop_test(t, text_and_html_share_one_limit, 0, 2);
    tcase_add_test(t, text_behind_html_is_cut_and_not_left_out);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
