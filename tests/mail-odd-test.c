/* SPDX-License-Identifier: Apache-2.0 */
/* mail-odd-test.c - mail that no RFC allows and people get: what a big mail program would show of
 * it.
 *
 * Each row is a way in which some mailer, gateway or list breaks messages; what comes out is looked
 * at as a whole, in one piece and byte by byte. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "buffer.h"
#include "mail.h"

#define BYTES(text) text, sizeof text - 1

static const struct odd_row {
    const char *what, *message;
    size_t len;
    const char *shown; /* see show(): "subject: x|from: y|text: z|..." */
} odd_rows[] = {
    {"no end boundary, cut inside base64",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
           "text/plain\n\nhello\n--b\nContent-Type: a/b; name=x.bin\nContent-Transfer-Encoding: "
           "base64\n\nQUJDRE"),
     "text: hello|file: x.bin a/b 4|"},
    {"boundary in preamble quoted",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\nThis is not --b but\n "
           "--b\n--b\nContent-Type: text/plain\n\nhello\n--b--\n"),
     "text: hello|"},
    {"boundary with trailing spaces",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b  \t\nContent-Type: "
           "text/plain\n\nhello\n--b-- \nepilogue"),
     "text: hello|"},
    {"boundary followed by junk",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--bjunk\nContent-Type: "
           "text/plain\n\nhello\n--b\n\nyou\n--b--\n"),
     "text: you|"},
    {"boundary is prefix of other",
     BYTES("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/mixed; "
           "boundary=bb\n\n--bb\n\nin\n--bb--\n--b\n\nout\n--b--\n"),
     "text: in\nout|"},
    {"same boundary inner and outer",
     BYTES("Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; "
           "boundary=b\n\n--b\n\nin\n--b\nContent-Type: "
           "text/html\n\n<p>in\n--b--\n--b\n\nout\n--b--\n"),
     "text: in\nout|html: <p>in|"},
    {"boundary unquoted with odd chars",
     BYTES("Content-Type: multipart/mixed; "
           "boundary=b=_(1):/?x\n\n--b=_(1):/?x\n\nhello\n--b=_(1):/?x--\n"),
     "text: hello|"},
    {"no boundary param but boundaries",
     BYTES("Content-Type: multipart/mixed\n\n--xyz\nContent-Type: "
           "text/plain\n\nhello\n--xyz\nContent-Type: image/png; "
           "name=a.png\nContent-Transfer-Encoding: base64\n\nQUJD\n--xyz--\n"),
     "text: --xyz\nContent-Type: text/plain\n\nhello\n--xyz\nContent-Type: image/png; "
     "name=a.png\nContent-Transfer-Encoding: base64\n\nQUJD\n--xyz--\n|"},
    {"empty boundary",
     BYTES("Content-Type: multipart/mixed; boundary=\"\"\n\n--\nContent-Type: "
           "text/plain\n\nhello\n----\n"),
     "text: --\nContent-Type: text/plain\n\nhello\n----\n|"},
    {"wrong boundary",
     BYTES("Content-Type: multipart/mixed; boundary=one\n\n--two\nContent-Type: "
           "text/plain\n\nhello\n--two--\n"),
     "text: --two\nContent-Type: text/plain\n\nhello\n--two--\n|"},
    {"bare CR mail", BYTES("Subject: x\rContent-Type: text/plain\r\rhello\ryou\r"),
     "subject: x|text: hello\nyou\n|"},
    {"NULs in header and body",
     BYTES("Subject: a\x00"
           "b\nFrom: \"x\x00y\" <a@b>\n\nhel\x00lo\n"),
     "subject: ab|from: xy <a@b>|text: hello\n|"},
    {"NUL in filename", BYTES("Content-Type: a/b; name=\"x\x00y.txt\"\n\nx"),
     "file: xy.txt a/b 1|"},
    {"duplicate content-type",
     BYTES("Content-Type: text/plain\nContent-Type: text/html\n\n<b>x</b>\n"), "text: <b>x</b>\n|"},
    {"content type: text", BYTES("Content-Type: text\n\nhello\n"), "text: hello\n|"},
    {"content type: html", BYTES("Content-Type: html\n\n<p>hello\n"),
     "text: hello|html: <p>hello\n|"},
    {"content type: text/html in quotes",
     BYTES("Content-Type: \"text/html\"; charset=\"utf-8\"\n\n<p>hello\n"),
     "text: hello|html: <p>hello\n|"},
    {"content type with comment and semicolons",
     BYTES("Content-Type: text/plain (hi); ; charset=utf-8;;\n\nhell\xC3\xB6\n"),
     "text: hell\xC3\xB6\n|"},
    {"content type missing semicolon",
     BYTES("Content-Type: text/plain charset=iso-8859-1\n\nhell\xF6\n"), "text: hell\xC3\xB6\n|"},
    {"content type colon", BYTES("Content-Type: text/plain: charset=iso-8859-1\n\nhell\xF6\n"),
     "text: hell\xC3\xB6\n|"},
    {"content type us-ascii with latin1",
     BYTES("Content-Type: text/plain; charset=us-ascii\n\nhell\xF6\n"), "text: hell\xC3\xB6\n|"},
    {"content-type empty", BYTES("Content-Type:\n\nhello\n"), "text: hello\n|"},
    {"charset with quotes single",
     BYTES("Content-Type: text/plain; charset='utf-8'\n\nhell\xC3\xB6\n"), "text: hell\xC3\xB6\n|"},
    {"charset twice in value",
     BYTES("Content-Type: text/plain; charset=utf-8; charset=iso-8859-1\n\nhell\xC3\xB6\n"),
     "text: hell\xC3\xB6\n|"},
    {"charset=\"utf-8", BYTES("Content-Type: text/plain; charset=\"utf-8\n\nhell\xC3\xB6\n"),
     "text: hell\xC3\xB6\n|"},
    {"cte 8-bit", BYTES("Content-Transfer-Encoding: 8-bit\n\nhello\n"), "text: hello\n|"},
    {"cte base64;", BYTES("Content-Transfer-Encoding: base64;\n\naGVsbG8=\n"), "text: hello|"},
    {"cte BASE 64", BYTES("Content-Transfer-Encoding: base-64\n\naGVsbG8=\n"), "text: hello|"},
    {"cte quotedprintable", BYTES("Content-Transfer-Encoding: quotedprintable\n\nhell=C3=B6\n"),
     "text: hell\xC3\xB6\n|"},
    {"cte QP", BYTES("Content-Transfer-Encoding: quoted_printable\n\nhell=C3=B6\n"),
     "text: hell\xC3\xB6\n|"},
    {"multipart with base64 cte",
     BYTES("Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: "
           "base64\n\n--b\n\nhello\n--b--\n"),
     "text: hello|"},
    {"multipart with qp cte",
     BYTES("Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: "
           "quoted-printable\n\n--b\n\nhel=lo\n--b--\n"),
     "text: hel=lo|"},
    {"rfc822 base64",
     BYTES(
         "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
         "message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogaW4KCmJvZHkK\n--b--\n"),
     "file: noname1.eml message/rfc822 18|"},
    {"base64 with missing padding", BYTES("Content-Transfer-Encoding: base64\n\naGVsbG8\n"),
     "text: hello|"},
    {"base64 concatenated", BYTES("Content-Transfer-Encoding: base64\n\naGVsbG8=aGVsbG8=\n"),
     "text: hellohello|"},
    {"base64 one char over", BYTES("Content-Transfer-Encoding: base64\n\naGVsbG8hI\n"),
     "text: hello!|"},
    {"qp broken",
     BYTES("Content-Transfer-Encoding: quoted-printable\n\na=zz =3 =\nb= \nc=C3=B6=\n"),
     "text: a=zz =3 bc\xC3\xB6|"},
    {"qp lower-case, softbreak space",
     BYTES("Content-Transfer-Encoding: quoted-printable\n\nh=c3=b6h=  \nx\n"),
     "text: h\xC3\xB6hx\n|"},
    {"nested quotes in name",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
           "a/b; name=\"a \"quoted\" name.txt\"\n\nx\n--b--\n"),
     "file: a \"quoted\" name.txt a/b 1|"},
    {"escaped quotes in name",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
           "a/b; name=\"a \\\"q\\\" n.txt\"\n\nx\n--b--\n"),
     "file: a \"q\" n.txt a/b 1|"},
    {"2231 mix *0* *1 *2*",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
           "a/b\nContent-Disposition: attachment;\n filename*0*=utf-8''%C3%A4;\n filename*1=\"b "
           "c\";\n filename*2*=%C3%B6.txt\n\nx\n--b--\n"),
     "file: \xC3\xA4"
     "b c\xC3\xB6.txt a/b 1|"},
    {"2231 gap",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
           "a/b\nContent-Disposition: attachment; filename*0=a; filename*2=c.txt\n\nx\n--b--\n"),
     "file: ac.txt a/b 1|"},
    {"2231 starts at 1",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
           "a/b\nContent-Disposition: attachment; filename*1=a; filename*2=c.txt\n\nx\n--b--\n"),
     "file: ac.txt a/b 1|"},
    {"2231 + plain",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
           "a/b; name=\"=?utf-8?q?=C3=B6.txt?=\"\nContent-Disposition: attachment; "
           "filename=plain.txt; filename*=utf-8''%C3%A4.txt\n\nx\n--b--\n"),
     "file: \xC3\xA4.txt a/b 1|"},
    {"2231 without charset",
     BYTES(
         "MIME-Version: 1.0\nContent-Type: multipart/mixed; "
         "boundary=b\n\n--b\nContent-Disposition: attachment; filename*=%C3%A4.txt\n\nx\n--b--\n"),
     "file: \xC3\xA4.txt text/plain 1|"},
    {"2231 in quotes",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; "
           "boundary=b\n\n--b\nContent-Disposition: attachment; "
           "filename*=\"utf-8''%C3%A4.txt\"\n\nx\n--b--\n"),
     "file: \xC3\xA4.txt text/plain 1|"},
    {"2047 in filename unquoted",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; "
           "boundary=b\n\n--b\nContent-Disposition: attachment; "
           "filename==?utf-8?b?w6QudHh0?=\n\nx\n--b--\n"),
     "file: \xC3\xA4.txt text/plain 1|"},
    {"2047 in filename folded two",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; "
           "boundary=b\n\n--b\nContent-Disposition: attachment; filename=\"=?utf-8?q?=C3=A4_?=\n "
           "=?utf-8?q?b.txt?=\"\n\nx\n--b--\n"),
     "file: \xC3\xA4 b.txt text/plain 1|"},
    {"raw utf8 filename",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; "
           "boundary=b\n\n--b\nContent-Disposition: attachment; filename=\xC3\xA4 "
           "b.txt\n\nx\n--b--\n"),
     "file: \xC3\xA4 b.txt text/plain 1|"},
    {"raw latin1 filename",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; "
           "boundary=b\n\n--b\nContent-Disposition: attachment; filename=\"\xE4 "
           "b.txt\"\n\nx\n--b--\n"),
     "file: \xC3\xA4 b.txt text/plain 1|"},
    {"unquoted filename with spaces",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
           "a/b; name=my file name.pdf\n\nx\n--b--\n"),
     "file: my file name.pdf a/b 1|"},
    {"filename with semicolon quoted",
     BYTES(
         "MIME-Version: 1.0\nContent-Type: multipart/mixed; "
         "boundary=b\n\n--b\nContent-Disposition: attachment; filename=\"a;b.txt\"\n\nx\n--b--\n"),
     "file: a;b.txt text/plain 1|"},
    {"disposition only filename",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: "
           "application/pdf\nContent-Disposition: filename=x.pdf\n\nx\n--b--\n"),
     "file: x.pdf application/pdf 1|"},
    {"disposition inline text w/ name",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; "
           "boundary=b\n\n--b\n\nfirst\n--b\nContent-Type: text/plain\nContent-Disposition: "
           "inline; filename=notes.txt\n\nnotes\n--b--\n"),
     "text: first|file: notes.txt text/plain 5|"},
    {"attachment no name",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/mixed; "
           "boundary=b\n\n--b\n\nfirst\n--b\nContent-Type: image/jpeg\nContent-Disposition: "
           "attachment\n\nx\n--b\nContent-Type: application/x-foo\n\ny\n--b--\n"),
     "text: first|file: noname1.jpg image/jpeg 1|file: noname2.bin application/x-foo 1|"},
    {"header fold with tab & blank fold line",
     BYTES("Subject: one\n \n two\n\tthree\nFrom: a@b\n\nbody\n"),
     "subject: one two three|from: a@b|text: body\n|"},
    {"fold first line empty", BYTES("Subject:\n =?utf-8?q?h=C3=B6?=\nFrom:\n a@b\n\nbody\n"),
     "subject: h\xC3\xB6|from: a@b|text: body\n|"},
    {"header with space before colon", BYTES("Subject : hello\nFrom : a@b\n\nbody\n"),
     "subject: hello|from: a@b|text: body\n|"},
    {"header line without colon", BYTES("Subject: hello\nThis is junk\nFrom: a@b\n\nbody\n"),
     "subject: hello|from: a@b|text: body\n|"},
    {"mbox from line",
     BYTES("From a@b Sun Mar  1 12:00:00 2026\nSubject: hello\n\nbody\n>From here\n"),
     "subject: hello|text: body\n>From here\n|"},
    {"empty lines first", BYTES("\n\nSubject: hello\nFrom: a@b\n\nbody\n"),
     "subject: hello|from: a@b|text: body\n|"},
    {"CRLF lines first", BYTES("\r\n\r\nSubject: hello\r\nFrom: a@b\r\n\r\nbody\r\n"),
     "subject: hello|from: a@b|text: body\n|"},
    {"BOM first", BYTES("\xEF\xBB\xBFSubject: hello\nFrom: a@b\n\nbody\n"),
     "subject: hello|from: a@b|text: body\n|"},
    {"whitespace first line", BYTES(" \nSubject: hello\nFrom: a@b\n\nbody\n"),
     "subject: hello|from: a@b|text: body\n|"},
    {"utf-16 body",
     BYTES("Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: "
           "base64\n\n//5oAGkA\n"),
     "text: hi|"},
    {"utf-16 body no bom",
     BYTES("Content-Type: text/plain; charset=utf-16\nContent-Transfer-Encoding: "
           "base64\n\naABpAA==\n"),
     "text: hi|"},
    {"utf-8 bom body",
     BYTES("Content-Type: text/plain; charset=iso-8859-1\n\n\xEF\xBB\xBFh\xC3\xB6\n"),
     "text: h\xC3\xB6\n|"},
    {"html meta charset",
     BYTES("Content-Type: text/html\n\n<html><head><meta "
           "charset=\"windows-1251\"></head><body>\xCF\xF0\xE8</body></html>\n"),
     "text: \xD0\x9F\xD1\x80\xD0\xB8|html: <html><head><meta "
     "charset=\"windows-1251\"></head><body>\xD0\x9F\xD1\x80\xD0\xB8</body></html>\n|"},
    {"html meta conflicts with header",
     BYTES("Content-Type: text/html; charset=utf-8\n\n<meta "
           "charset=\"iso-8859-1\"><body>h\xC3\xB6</body>\n"),
     "text: h\xC3\xB6|html: <meta charset=\"iso-8859-1\"><body>h\xC3\xB6</body>\n|"},
    {"html utf-8 label but 1252 body",
     BYTES("Content-Type: text/html; charset=utf-8\n\n<p>h\xF6llo\x85</p>\n"),
     "text: h\xC3\xB6llo\xE2\x80\xA6|html: <p>h\xC3\xB6llo\xE2\x80\xA6</p>\n|"},
    {"subject unencoded latin1", BYTES("Subject: h\xF6llo\nFrom: J\xF6rg <a@b>\n\nx\n"),
     "subject: h\xC3\xB6llo|from: J\xC3\xB6rg <a@b>|text: x\n|"},
    {"subject broken encoded", BYTES("Subject: =?utf-8?Q?h=C3=B6?= =?utf-8?q?_x\n\nx\n"),
     "subject: h\xC3\xB6 x|text: x\n|"},
    {"subject encoded no space between", BYTES("Subject: =?utf-8?q?a?==?utf-8?q?b?= c\n\nx\n"),
     "subject: ab c|text: x\n|"},
    {"subject encoded with spaces inside", BYTES("Subject: =?utf-8?Q?hello world?= end\n\nx\n"),
     "subject: hello world end|text: x\n|"},
    {"subject charset lang", BYTES("Subject: =?utf-8*en?q?hello?=\n\nx\n"),
     "subject: hello|text: x\n|"},
    {"subject two subjects", BYTES("Subject: one\nSubject: two\n\nx\n"), "subject: one|text: x\n|"},
    {"from two addresses and no brackets", BYTES("From: Ann Lee ann@b.c\nTo: a@b; c@d\n\nx\n"),
     "from: Ann Lee <ann@b.c>|to: a@b; c@d|text: x\n|"},
    {"from quoted encoded", BYTES("From: \"=?utf-8?q?J=C3=B6rg?=\" <a@b>\n\nx\n"),
     "from: J\xC3\xB6rg <a@b>|text: x\n|"},
    {"from encoded comma", BYTES("From: =?utf-8?q?Lee=2C_Ann?= <a@b>\nTo: Lee, Ann <c@d>\n\nx\n"),
     "from: Lee, Ann <a@b>|to: Lee, Ann <c@d>|text: x\n|"},
    {"from no address", BYTES("From: Ann\nTo: undisclosed-recipients:;\n\nx\n"),
     "from: Ann|text: x\n|"},
    {"from double brackets", BYTES("From: Ann <<a@b>>\nTo: <a@b\n\nx\n"),
     "from: Ann <a@b>|to: a@b|text: x\n|"},
    {"alternative order html first",
     BYTES(
         "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: "
         "text/html\n\n<p>html\n--b\nContent-Type: text/plain\n\ntext\n--b--\n"),
     "text: text|html: <p>html|"},
    {"alternative with empty text",
     BYTES(
         "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: "
         "text/plain\n\n \n--b\nContent-Type: text/html\n\n<p>html\n--b--\n"),
     "text: html|html: <p>html|"},
    {"application only root",
     BYTES("Subject: x\nContent-Type: application/pdf; name=x.pdf\nContent-Transfer-Encoding: "
           "base64\n\nQUJD\n"),
     "subject: x|file: x.pdf application/pdf 3|"},
    {"text root with attachment disposition",
     BYTES("Subject: x\nContent-Type: text/plain\nContent-Disposition: attachment; "
           "filename=x.txt\n\nhello\n"),
     "subject: x|file: x.txt text/plain 6|"},
    {"body without header", BYTES("hello there\nthis is text\n"),
     "text: hello there\nthis is text\n|"},
    {"digest default type",
     BYTES("MIME-Version: 1.0\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: "
           "inner\n\nbody\n--b--\n"),
     "file: noname1.eml message/rfc822 20|"},
};

static void show_text(struct buffer *out, const char *what, const char *text)
{
    if (text != NULL)
        ck_assert_int_eq(buffer_printf(out, "%s: %s|", what, text), 0);
}

static void show(struct buffer *out, const struct mail *m)
{
    show_text(out, "subject", m->subject);
    show_text(out, "from", m->sender);
    show_text(out, "to", m->recipient);
    show_text(out, "text", m->message_body);
    show_text(out, "html", m->html);
    for (size_t i = 0; i < m->attachment_count; i++) {
        const struct mail_attachment *a = &m->attachments[i];
        ck_assert_int_eq(buffer_printf(out, "file: %s %s %ju|", a->filename, a->content_type,
                                       (uintmax_t)a->size),
                         0);
    }
}

static void ck_shown(const struct odd_row *row, size_t piece)
{
    struct error err;
    struct mail *mail = NULL;
    struct buffer out;
    AUTO(mail_parser) p = mail_parser_new(NULL);
    ck_assert_ptr_nonnull(p);
    for (size_t at = 0; at < row->len; at += piece) {
        size_t n = row->len - at < piece ? row->len - at : piece;
        ck_assert_int_eq(mail_parser_feed(p, (const uint8_t *)row->message + at, n, &err), 0);
    }
    ck_assert_int_eq(mail_parser_finish(p, &mail, &err), 0);
    buffer_init(&out, 65536);
    show(&out, mail);
    ck_assert_msg(strcmp(buffer_text(&out), row->shown) == 0,
                  "%s, in pieces of %zu bytes:\n%s\nwant\n%s", row->what, piece, buffer_text(&out),
                  row->shown);
    buffer_done(&out);
    mail_free(mail);
}

START_TEST(odd_mail_is_read_as_the_big_programs_read_it)
{
    ck_shown(&odd_rows[_i], odd_rows[_i].len + 1);
    ck_shown(&odd_rows[_i], 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mail-odd");
    TCase *t = tcase_create("odd");
    tcase_add_loop_test(t, odd_mail_is_read_as_the_big_programs_read_it, 0,
                        (int)(sizeof odd_rows / sizeof odd_rows[0]));
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
