/* SPDX-License-Identifier: Apache-2.0 */
/* mail-kinds-test.c - mail as programs all over the world really send it, and what a person should
 * see of it. Each row says in its first words why it is here; each is cut at every place. */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "buffer.h"
#include "mail.h"
#include "text.h"

#define PART "\n--b\nContent-Type: "
#define MIXED "Content-Type: multipart/mixed; boundary=b\n" PART
#define RELATED "Content-Type: multipart/related; boundary=b\n" PART
#define FLOWED "Content-Type: text/plain; charset=utf-8; format=flowed\n\n"
#define DELSP "Content-Type: text/plain; charset=utf-8; format=Flowed; DelSp=Yes\n\n"

/* NULL: not looked at; "": there must be none. */
static const struct kind_row {
    const char *why, *message, *subject, *sender, *text, *html;
    const char *names; /* of attachments, each with ";" */
    const char *told;  /* a piece of some problem; "": no problem at all */
} kind_rows[] = {
    {"a date that is none is quoted as it stands, without the space before it",
     "Date: 1772532672\n\nx\n", NULL, NULL, NULL, NULL, NULL, "date '1772532672' cannot be read"},

    /* Raw 8-bit header fields: the charset of the text says what they are in. */
    {"Japanese phone gateway: Shift_JIS in a header whose text is iso-2022-jp; a character ends in "
     "a backslash, which would escape the quote behind it",
     "Subject: \x83\\\x81[\x83X\x95\\\nFrom: \"\x83\\\x81[\x83X\x95\\\" <a@x>\n"
     "Content-Type: text/plain; charset=iso-2022-jp\n\nx\n",
     "ソース表", "ソース表 <a@x>", "x\n", "", "",
     "header: 8-bit text without charset, read as cp932"},
    {"Russian mailer of the nineties: everything is KOI8-R, nothing in the header says so",
     "From: \xE9\xD7\xC1\xCE <i@x>\nSubject: \xF0\xD2\xC9\xD7\xC5\xD4\n"
     "Content-Type: text/plain; charset=koi8-r\n\n\xF0\xD2\xC9\xD7\xC5\xD4\n",
     "Привет", "Иван <i@x>", "Привет\n", "", "", "read as koi8-r"},
    {"Chinese web form: one field is encoded, the other one raw",
     "From: =?gb2312?B?u+E=?= <a@x>\nSubject: \xBB\xE1\xD2\xE9\n\nx\n", "会议", "会 <a@x>", "x\n",
     "", "", "read as gb18030"},
    {"Greek ticket system: raw windows-1253, a fold in the middle",
     "Subject: \xC3\xE5\xE9\xDC\n \xC3\xE5\xE9\xDC\nContent-Type: text/plain; "
     "charset=\"windows-1253\"\n\nx\n",
     "Γειά Γειά", NULL, "x\n", "", "", "read as windows-1253"},
    {"Hebrew: raw windows-1255 in the sender's comment",
     "From: a@x (\xF9\xEC\xE5\xED)\nContent-Type: text/plain; charset=windows-1255\n\nx\n", NULL,
     "שלום <a@x>", "x\n", "", "", "read as windows-1255"},
    {"Arabic: raw windows-1256",
     "Subject: \xE3\xD1\xCD\xC8\xC7\nContent-Type: text/plain; charset=windows-1256\n\nx\n",
     "مرحبا", NULL, "x\n", "", "", "read as windows-1256"},
    {"Korean: raw name of a file, the message's own header knows the charset",
     "Subject: =?ks_c_5601-1987?B?vsiz5w==?=\n" MIXED
     "text/plain; charset=ks_c_5601-1987\n\n\xBE\xC8\xB3\xE7" PART
     "application/pdf; name=\"\xBE\xC8\xB3\xE7.pdf\"\n\nPDF\n--b--\n",
     "안녕", NULL, "안녕", "", "안녕.pdf;", "read as cp949"},
    {"Russian: raw name of a file in the disposition, its own part says the charset",
     MIXED "text/plain\n\nx" PART "text/plain; charset=windows-1251\nContent-Disposition: "
           "attachment; filename=\"\xCE\xF2\xF7\xB8\xF2.txt\"\n\ny\n--b--\n",
     NULL, NULL, "x", "", "Отчёт.txt;", "read as windows-1251"},
    {"raw UTF-8 tells itself, whatever the text is in (RFC 6532)",
     "Subject: Приве́т\nContent-Type: text/plain; charset=koi8-r\n\n\xF0\n", "Приве́т", NULL, "П\n",
     "", "", ""},
    {"what is not all in the charset of the text stays windows-1252",
     "Subject: caf\xE9\nContent-Type: text/plain; charset=euc-jp\n\nx\n", "café", NULL, "x\n", "",
     "", "read as windows-1252"},
    {"a text of UTF-8 says nothing about a header that is not",
     "Subject: caf\xE9\nContent-Type: text/plain; charset=utf-8\n\nx\n", "café", NULL, "x\n", "",
     "", "read as windows-1252"},
    {"a text of iso-8859-1 says what its header is in, whatever an encoded word says",
     "From: J\xF6rg <j@x.org>\nSubject: =?gb2312?B?suLK1A==?=\nContent-Type: text/plain; "
     "charset=iso-8859-1\n\nJ\xF6rg\n",
     "测试", "Jörg <j@x.org>", "Jörg\n", "", "", "read as windows-1252"},
    /* Text without a label: the same hints. */
    {"the multipart names the charset that its part forgot",
     "Content-Type: multipart/signed; charset=euc-kr; boundary=b\n" PART
     "text/plain\n\n\xBE\xC8\xB3\xE7" PART "application/pgp-signature\n\nS\n--b--\n",
     NULL, NULL, "안녕", "", "noname1.asc;", "8-bit text without charset, read as cp949"},
    {"Thai text without a charset; the subject's encoded word has one",
     "Subject: =?tis-620?Q?=CA=C7?=\n\n\xCA\xC7\xD1\xCA\xB4\xD5\n", "สว", NULL, "สวัสดี\n", "", "",
     "read as windows-874"},
    {"Polish HTML without a charset; the message is forwarded by a gateway that keeps its words",
     "Subject: =?iso-8859-2?Q?=AF=F3?=\nContent-Type: text/html\n\n<p>\xAF\xF3\xB3\xE6</p>\n", "Żó",
     NULL, "Żółć", "<p>Żółć</p>\n", "", "read as iso-8859-2"},
    {"a label of the part itself wins over the hint",
     "Subject: =?koi8-r?Q?=F0?=\nContent-Type: text/plain; charset=iso-8859-1\n\n\xE9\n", "П", NULL,
     "é\n", "", "", ""},
    /* format=flowed */
    {"Thunderbird: paragraphs come back, the signature's line stays",
     FLOWED "One long \nparagraph.\n\nTwo.\n-- \nAnn\n", NULL, NULL,
     "One long paragraph.\n\nTwo.\n-- \nAnn\n", "", "", ""},
    {"Apple Mail: delsp=yes, a Japanese sentence without spaces", DELSP "会議は \n金曜日です。\n",
     NULL, NULL, "会議は金曜日です。\n", "", "", ""},
    {"delsp=yes: of two spaces one belongs to the text", DELSP "two  \nwords\n", NULL, NULL,
     "two words\n", "", "", ""},
    {"quoted lines keep their line ends, the answer does not join them",
     FLOWED "> You wrote \n> this.\nMy answer \nis here. \n> and \n>> deep\n", NULL, NULL,
     "> You wrote \n> this.\nMy answer is here. \n> and \n>> deep\n", "", "", ""},
    {"space-stuffing goes: From, an indent, a quote that is none",
     FLOWED " From here\n  two spaces\n > no quote\n", NULL, NULL,
     "From here\n two spaces\n> no quote\n", "", "", ""},
    {"a paragraph that ends in a space before the signature", FLOWED "Bye \n-- \nAnn\n", NULL, NULL,
     "Bye \n-- \nAnn\n", "", "", ""},
    {"the last line ends in a space", FLOWED "a \nb ", NULL, NULL, "a b ", "", "", ""},
    {"CR LF and quoted-printable: the space is encoded, so that no gateway drops it",
     "Content-Type: text/plain; format=flowed\nContent-Transfer-Encoding: quoted-printable\n\n"
     "a=20\r\nb\r\n",
     NULL, NULL, "a b\n", "", "", ""},
    {"only text/plain flows", "Content-Type: text/html; format=flowed\n\n<pre>a \nb</pre>", NULL,
     NULL, "a\nb", "<pre>a \nb</pre>", "", ""},
    {"format=fixed is as it stands", "Content-Type: text/plain; format=fixed\n\na \nb\n", NULL,
     NULL, "a \nb\n", "", "", ""},
    /* Encodings, and what lists and gateways do to them. */
    {"Mailman's footer below base64 that needed no padding",
     "Content-Transfer-Encoding: base64\n\naGkK\n\n____\nlist mailing list\n", NULL, NULL, "hi\n",
     "", "", "text behind the end of base64"},
    {"a footer of plain words below base64 with padding",
     "Content-Transfer-Encoding: base64\r\n\r\naGk=\r\n\r\nSent by Ann\r\n", NULL, NULL, "hi", "",
     "", "text behind the end of base64"},
    {"a footer right below the padding",
     "Content-Transfer-Encoding: base64\n\naGk=\n-- \nAnn Example\n", NULL, NULL, "hi", "", "",
     "text behind the end of base64"},
    {"an empty line in the middle of base64 ends nothing",
     "Content-Transfer-Encoding: base64\n\n\naGkg\n\n\naGkK\n", NULL, NULL, "hi hi\n", "", "", ""},
    {"nor does one damaged byte in the line behind it",
     "Content-Transfer-Encoding: base64\n\naGkg\n\naGkgaGkg*aGkK\n", NULL, NULL, "hi hi hi hi\n",
     "", "", "base64 has stray bytes"},
    {"base64 encoded line by line, each with its padding",
     "Content-Transfer-Encoding: base64\n\naA==\naQ==\n", NULL, NULL, "hi", "", "", ""},
    {"names of encodings as some programs spell them",
     MIXED "text/plain\nContent-Transfer-Encoding: QuotedPrintable\n\na=3Db" PART
           "text/plain\nContent-Transfer-Encoding: Base-64\n\naGk=" PART
           "text/plain\nContent-Transfer-Encoding: 7-bit\n\nc\n--b--\n",
     NULL, NULL, "a=b\nhi\nc", "", "", ""},
    {"a file that an editor saved with a byte order mark", "\xEF\xBB\xBFSubject: x\n\nhi\n", "x",
     NULL, "hi\n", "", "", ""},
    {"a script that says base64 and encodes nothing",
     "Content-Transfer-Encoding: base64\n\nDear Ann,\nall is well.\n", NULL, NULL,
     "Dear Ann,\nall is well.\n", "", "", "should be base64 is none"},
    {"the same with words of letters alone, and an indent",
     "Content-Transfer-Encoding: base64\r\n\r\n  hello you there\r\nall\r\n", NULL, NULL,
     "  hello you there\nall\n", "", "", "should be base64 is none"},
    {"base64 in words of four, as a bad gateway folds it",
     "Content-Transfer-Encoding: base64\n\naGkg aGkg\naGkK\n", NULL, NULL, "hi hi hi\n", "", "",
     ""},
    {"base64 that begins with a damaged byte is base64",
     "Content-Transfer-Encoding: base64\n\n!aGkK\n", NULL, NULL, "hi\n", "", "", "stray bytes"},
    /* The same text twice, side by side. */
    {"a PHP script that took mixed for alternative",
     MIXED "text/plain\n\nHello you, see http://x.org/" PART
           "text/html\n\n<h1>Hello <b>you</b>,</h1><p>see <a "
           "href='http://x.org/'>http://x.org/</a>\n--b--\n",
     NULL, NULL, "Hello you, see http://x.org/",
     "<h1>Hello <b>you</b>,</h1><p>see <a href='http://x.org/'>http://x.org/</a>", "", ""},
    {"the same with Cyrillic letters, and a list's footer behind",
     MIXED "text/plain; charset=utf-8\n\nПривет!" PART "text/html; charset=utf-8\n\n<p>Привет!" PART
           "text/plain\n\nfooter\n--b--\n",
     NULL, NULL, "Привет!\nfooter", "<p>Привет!", "", ""},
    {"HTML that says more than the text before it is read",
     MIXED "text/plain\n\nHello" PART "text/html\n\n<p>Hello you\n--b--\n", NULL, NULL,
     "Hello\nHello you", "<p>Hello you", "", ""},
    {"HTML of a picture alone repeats nothing",
     MIXED "text/plain\n\n***" PART "text/html\n\n<p>---</p>\n--b--\n", NULL, NULL, "***\n---",
     "<p>---</p>", "", ""},
    /* Types and names that are nearly right. */
    {"a gateway that writes commas for semicolons",
     MIXED "text/plain, charset=iso-8859-1\n\n\xE4" PART "application/pdf, name=a.pdf\n"
           "Content-Disposition: attachment, filename=b.pdf\n\nPDF\n--b--\n",
     NULL, NULL, "ä", "", "b.pdf;", ""},
    {"a scanner that takes one field for the other",
     MIXED "application/pdf; filename=scan.pdf\n\nPDF" PART
           "image/tiff\nContent-Disposition: attachment; name=scan.tif\n\nTIF\n--b--\n",
     NULL, NULL, "", "", "scan.pdf;scan.tif;", ""},
    {"types that lack their half",
     MIXED "text/\n\none" PART "application/; name=a\n\nA" PART "/pdf; name=b\n\nB\n--b--\n", NULL,
     NULL, "one", "", "a;b;", "content type 'text/' is none: read as text/plain"},
    {"a multipart that does not say which",
     "Content-Type: multipart; boundary=b\n" PART "text/plain\n\none" PART
     "image/png\n\nPNG\n--b--\n",
     NULL, NULL, "one", "", "noname1.png;", "read as multipart/mixed"},
    /* multipart/related */
    {"two texts in related, the second one is the start",
     "Content-Type: multipart/related; start=\"<s@x>\"; boundary=b\n" PART "text/plain\n\none" PART
     "text/plain\nContent-ID: <s@x>\n\ntwo\n--b--\n",
     NULL, NULL, "one\ntwo", "", "", ""},
    {"a mailer that took related for alternative: text, then HTML, each with an id",
     RELATED "text/plain\nContent-ID: <1@x>\n\nHi" PART
             "text/html\nContent-ID: <2@x>\n\n<p>Hi</p>" PART
             "image/png\nContent-ID: <3@x>\n\nPNG\n--b--\n",
     NULL, NULL, "Hi", "<p>Hi</p>", "noname1.png;", ""},
    {"the start is HTML behind another HTML: both are documents",
     "Content-Type: multipart/related; start=\"<s@x>\"; boundary=b\n" PART
     "text/html\n\n<p>frame</p>" PART "text/html\nContent-ID: <s@x>\n\n<p>root</p>\n--b--\n",
     NULL, NULL, "frame\nroot", "<p>frame</p>\n<p>root</p>", "", ""},
    {"what an HTML document can refer to is its file, not the body",
     RELATED "text/html\n\n<iframe src=cid:2@x>x" PART
             "text/html\nContent-ID: <2@x>\n\n<p>inner</p>" PART
             "text/plain\nContent-Location: a.txt\n\nfile\n--b--\n",
     NULL, NULL, "x", "<iframe src=cid:2@x>x", "noname1.html;noname2.txt;", ""},
    {"a list's footer behind the HTML in related is read",
     RELATED "text/html\n\n<p>Hi</p>" PART "text/plain\n\nfooter\n--b--\n", NULL, NULL,
     "Hi\nfooter", "<p>Hi</p>", "", ""},
    /* Names that only repeat the address. */
    {"Outlook's address book: the name is the address in quotes",
     "From: \"'ann@x.org'\" <ann@x.org>\n\n", NULL, "ann@x.org", "", "", "", ""},
    {"Exchange: the name is the address in another case", "From: \"Ann@X.org\" <ann@x.org>\n\n",
     NULL, "ann@x.org", "", "", "", ""},
    {"a name that is another address is told", "From: \"bob@x.org\" <ann@x.org>\n\n", NULL,
     "bob@x.org <ann@x.org>", "", "", "", ""},
    /* Structures */
    {"a message cut into pieces by its sender",
     "Content-Type: message/partial; id=\"i@x\"; number=2; total=3\n\nmiddle\n", NULL, NULL, "", "",
     "noname1.bin;", "piece 2 of 3 of a message, not put together"},
    {"the last piece alone may leave out how many there are: here none does",
     "Content-Type: message/partial; id=\"i@x\"; number=1\n\nSubject: in\n\nx\n", NULL, NULL, "",
     "", "noname1.bin;", "piece 1 of ?"},
    {"a digest's parts without a type are messages",
     "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\n1\n--b\n\nSubject: "
     "two\n\n2\n--b--\n",
     NULL, NULL, "", "", "noname1.eml;noname2.eml;", ""},
    {"a digest's part with a type is what it says",
     "Content-Type: multipart/digest; boundary=b\n" PART "text/plain\n\ncontents\n--b\n\nSubject: "
     "one\n\n1\n--b--\n",
     NULL, NULL, "contents", "", "noname1.eml;", ""},
    {"an old Mac: both forks come, each as a file",
     MIXED "text/plain\n\nHi" PART "multipart/appledouble; boundary=c\n\n--c\nContent-Type: "
           "application/applefile; name=\"%a.pdf\"\n\nRES\n--c\nContent-Type: application/pdf; "
           "name=a.pdf\n\nPDF\n--c--\n--b--\n",
     NULL, NULL, "Hi", "", "%a.pdf;a.pdf;", ""},
    {"a forwarded message in base64, which RFC 2046 forbids and gateways do",
     MIXED "text/plain\n\nsee" PART "message/rfc822\nContent-Transfer-Encoding: base64\n\n"
           "U3ViamVjdDogaW4KCng=\n--b--\n",
     NULL, NULL, "see", "", "noname1.eml;", ""},
    {"a forwarded message in quoted-printable with a name",
     MIXED "text/plain\n\nsee" PART "message/rfc822; name=\"mail=.eml\"\n"
           "Content-Transfer-Encoding: quoted-printable\n\nSubject: in=\n\n\nx\n--b--\n",
     NULL, NULL, "see", "", "mail=.eml;", ""},
    {"Mailman: text, files, and its own footer behind them",
     MIXED "text/plain\n\nHello" PART "image/png\n\nPNG" PART
           "text/plain; charset=us-ascii\nContent-Disposition: inline\n\n_____\nlist\n--b--\n",
     NULL, NULL, "Hello\n_____\nlist", "", "noname1.png;", ""},
    {"Apple Mail: a picture between two pieces of HTML",
     MIXED "text/html\n\n<p>one</p>" PART
           "image/jpeg; name=p.jpg\nContent-Disposition: inline\n\nJ" PART
           "text/html\n\n<p>two</p>\n--b--\n",
     NULL, NULL, "one\ntwo", "<p>one</p>\n<p>two</p>", "p.jpg;", ""},
    {"an invitation: text, HTML and calendar as alternatives",
     "Content-Type: multipart/alternative; boundary=b\n" PART "text/plain\n\nCome" PART
     "text/html\n\n<p>Come</p>" PART "text/calendar; method=REQUEST\n\nBEGIN:VCALENDAR\n--b--\n",
     NULL, NULL, "Come", "<p>Come</p>", "noname1.ics;", ""},
    {"an invitation that is nothing but a calendar", "Content-Type: text/calendar\n\nBEGIN\n", NULL,
     NULL, "", "", "noname1.ics;", ""},
    {"Exim's bounce: no report, a field of its own",
     "X-Failed-Recipients: ann@x.org,\n bob@x.org\nAuto-Submitted: auto-replied\n\nsorry\n", NULL,
     NULL, "sorry\n", "", "", "delivery to 'bob@x.org' failed"},
    {"a bounce without a status, but with what the other server said",
     "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n" PART
     "message/delivery-status\n\nReporting-MTA: dns; x\n\nOriginal-Recipient: rfc822;<ann@x.org>\n"
     "Action: failed\nDiagnostic-Code: smtp; 550 no such user\n--b--\n",
     NULL, NULL, "", "", "noname1.txt;", "delivery to 'ann@x.org' failed: 550 no such user"},
    {"a delay is no failure",
     "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n" PART
     "message/delivery-status\n\nFinal-Recipient: rfc822;ann@x.org\nAction: delayed\n"
     "Status: 4.4.1\n--b--\n",
     NULL, NULL, "", "", "noname1.txt;", ""},
};

static struct mail *mail_of(const char *message, size_t len, size_t cut)
{
    struct error err;
    struct mail *mail = NULL;
    AUTO(mail_parser) p = mail_parser_new(NULL);
    ck_assert_ptr_nonnull(p);
    ck_assert_int_eq(mail_parser_feed(p, (const uint8_t *)message, cut, &err), 0);
    ck_assert_int_eq(mail_parser_feed(p, (const uint8_t *)message + cut, len - cut, &err), 0);
    ck_assert_int_eq(mail_parser_finish(p, &mail, &err), 0);
    return mail;
}

static void ck_text(const char *got, const char *want, const char *what, const char *why)
{
    if (want != NULL && !text_equal(got, want[0] != '\0' ? want : NULL) &&
        !(got != NULL && got[0] == '\0' && want[0] == '\0'))
        ck_abort_msg("%s: %s '%s', want '%s'", why, what, got != NULL ? got : "(none)", want);
}

static void ck_names(const struct mail *m, const struct kind_row *row)
{
    struct buffer names;
    buffer_init(&names, 1000);
    for (size_t i = 0; i < m->attachment_count; i++)
        ck_assert_int_eq(buffer_printf(&names, "%s;", m->attachments[i].filename), 0);
    ck_text(buffer_text(&names), row->names, "names", row->why);
    buffer_done(&names);
}

static void ck_told(const struct mail *m, const struct kind_row *row)
{
    bool found = false;
    for (size_t i = 0; i < m->problems.count; i++)
        found = found || strstr(m->problems.items[i], row->told) != NULL;
    ck_assert_msg(row->told[0] != '\0' ? found : m->problems.count == 0, "%s: '%s' told: %s",
                  row->why, row->told, m->problems.count > 0 ? m->problems.items[0] : "(nothing)");
}

START_TEST(mail_of_each_kind_shows_what_its_sender_meant_wherever_it_is_cut)
{
    const struct kind_row *row = &kind_rows[_i];
    size_t len = strlen(row->message);
    for (size_t cut = 0; cut <= len; cut++) {
        AUTO(mail) m = mail_of(row->message, len, cut);
        ck_text(m->subject, row->subject, "subject", row->why);
        ck_text(m->sender, row->sender, "sender", row->why);
        ck_text(m->message_body, row->text, "text", row->why);
        ck_text(m->html, row->html, "html", row->why);
        ck_names(m, row);
        ck_told(m, row);
    }
}
END_TEST

/* What RFC 2046 calls the most deeply nested part is still there for whoever looks: as a file. */
START_TEST(text_below_the_depth_limit_is_in_a_file_and_that_is_told)
{
    struct buffer b;
    buffer_init(&b, 1u << 20);
    for (unsigned i = 0; i <= MAIL_DEPTH_MAX; i++)
        ck_assert_int_eq(
            buffer_printf(&b, "Content-Type: multipart/mixed; boundary=b%u\n\n--b%u\n", i, i), 0);
    ck_assert_int_eq(buffer_append_text(&b, "Content-Type: text/plain\n\nbottom\n"), 0);
    AUTO(mail) m = mail_of(b.data, b.len, 7);
    ck_assert_uint_eq(m->attachment_count, 1);
    ck_assert_str_eq(m->attachments[0].content_type, "multipart/mixed");
    ck_assert_uint_gt(m->attachments[0].size, strlen("bottom\n"));
    bool told = false;
    for (size_t i = 0; i < m->problems.count; i++)
        told = told || strstr(m->problems.items[i], "nested deeper than 50") != NULL;
    ck_assert(told);
    buffer_done(&b);
}
END_TEST

START_TEST(the_limit_of_addresses_holds_for_all_fields_together)
{
    struct buffer b;
    buffer_init(&b, 1u << 20);
    for (unsigned field = 0; field < 3; field++) {
        ck_assert_int_eq(buffer_append_text(&b, field == 0 ? "To: " : "Cc: "), 0);
        for (unsigned i = 0; i < MAIL_ADDRESSES_MAX / 2 - 1; i++)
            ck_assert_int_eq(buffer_printf(&b, "a%u.%u@x.org,\n ", field, i), 0);
        ck_assert_int_eq(buffer_append_text(&b, "z@x.org\n"), 0);
    }
    for (unsigned limit = 2; limit <= 3; limit++) { /* at it, and above */
        size_t len = limit == 3 ? b.len : (size_t)(strstr(b.data, "Cc: a2.") - b.data);
        AUTO(mail) m = mail_of(b.data, len, len / 2);
        ck_assert_uint_eq(m->to_list.count + m->cc_list.count, MAIL_ADDRESSES_MAX);
        ck_assert_uint_eq(m->problems.count, limit - 2);
    }
    buffer_done(&b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mail-kinds");
    TCase *t = tcase_create("mail-kinds");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, mail_of_each_kind_shows_what_its_sender_meant_wherever_it_is_cut, 0,
                        sizeof kind_rows / sizeof kind_rows[0]);
    tcase_add_test(t, text_below_the_depth_limit_is_in_a_file_and_that_is_told);
    tcase_add_test(t, the_limit_of_addresses_holds_for_all_fields_together);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
