/* SPDX-License-Identifier: Apache-2.0 */
/* mail-container-test.c - promises of mail.h on what is inside winmail.dat and opaque signatures.
 */
#include <config.h>
#include "check-main.h"

#include <string.h>

#include "buffer.h"
#include "mail.h"
#include "tnef-writer.h"

static void put_base64(struct buffer *b, const void *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *in = bytes;
    for (size_t i = 0; i < count; i += 3) {
        uint32_t group = (uint32_t)in[i] << 16 | (i + 1 < count ? in[i + 1] : 0u) << 8 |
                         (i + 2 < count ? in[i + 2] : 0u);
        char out[4] = {digits[group >> 18], digits[group >> 12 & 63],
                       i + 1 < count ? digits[group >> 6 & 63] : '=',
                       i + 2 < count ? digits[group & 63] : '='};
        buffer_append(b, out, 4);
        if (i % 57 == 54)
            buffer_append_text(b, "\r\n");
    }
    buffer_append_text(b, "\r\n");
}

/* What the sink got: "<ordinal bytes>" for each piece of each attachment. */
static int take(void *context, uint32_t ordinal, const uint8_t *bytes, size_t count)
{
    static const char hex[] = "0123456789";
    struct buffer *b = context;
    char mark[] = {'<', hex[ordinal % 10], ' ', '\0'};
    buffer_append_text(b, mark);
    buffer_append(b, bytes, count);
    return buffer_append_text(b, ">");
}

static int refuse(void *context, uint32_t ordinal, const uint8_t *bytes, size_t count)
{
    (void)context, (void)bytes, (void)count;
    return ordinal > 1 ? -1 : 0; /* winmail.dat or smime.p7m itself may pass */
}

/* In two pieces (cut == count: in one). NULL: err is filled. */
static struct mail *read_mail(const struct buffer *b, size_t cut,
                              const struct mail_options *options, struct error *err)
{
    struct mail *mail = NULL;
    AUTO(mail_parser) p = mail_parser_new(options);
    const uint8_t *bytes = (const uint8_t *)b->data;
    if (mail_parser_feed(p, bytes, cut, err) < 0 ||
        mail_parser_feed(p, bytes + cut, b->len - cut, err) < 0 ||
        mail_parser_finish(p, &mail, err) < 0)
        return NULL;
    return mail;
}

/* Names of the attachments, joined with '|'. */
static void check_names(const struct mail *mail, const char *want)
{
    AUTO_DONE(buffer) names;
    buffer_init(&names, 1 << 16);
    for (size_t i = 0; i < mail->attachment_count; i++)
        buffer_printf(&names, "%s%s", i > 0 ? "|" : "", mail->attachments[i].filename);
    ck_assert_str_eq(buffer_text(&names), want);
}

#define MULTIPART "From: a@example.org\r\nSubject: s\r\nMIME-Version: 1.0\r\n" \
                  "Content-Type: multipart/mixed; boundary=b\r\n\r\n"
#define TNEF_PART "--b\r\nContent-Type: application/ms-tnef; name=winmail.dat\r\n" \
                  "Content-Transfer-Encoding: base64\r\n\r\n"
#define OTHER_PART "--b\r\nContent-Type: application/pdf; name=o.pdf\r\n\r\npdf\r\n"

/* A mail with @body as its text, winmail.dat with a body and two files, and one more attachment. */
static void put_tnef_mail(struct buffer *b, const char *body)
{
    AUTO_DONE(buffer) tnef;
    put_start(&tnef);
    put_text_attribute(&tnef, 1, 0x800C, "from TNEF");
    put_file(&tnef, "in/side.txt", "hello");
    put_file(&tnef, "", "x");
    buffer_init(b, 1 << 24);
    buffer_append_text(b, MULTIPART "--b\r\nContent-Type: text/plain\r\n\r\n");
    buffer_append_text(b, body);
    buffer_append_text(b, "\r\n" TNEF_PART);
    put_base64(b, tnef.data, tnef.len);
    buffer_append_text(b, OTHER_PART "--b--\r\n");
}

START_TEST(files_of_winmail_dat_stand_behind_the_other_attachments)
{
    struct buffer b;
    struct error err;
    put_tnef_mail(&b, "own text");
    for (size_t cut = 0; cut <= b.len; cut++) {
        AUTO(mail) mail = read_mail(&b, cut, NULL, &err);
        check_names(mail, "winmail.dat|o.pdf|side.txt|noname1.bin");
        ck_assert_str_eq(mail->message_body, "own text");
        ck_assert_uint_eq(mail->attachments[2].size, 5);
        ck_assert_str_eq(mail->attachments[2].content_type, "application/octet-stream");
        ck_assert_str_eq(mail->attachments[2].disposition, "attachment");
        ck_assert_uint_eq(mail->problems.count, 0);
    }
    buffer_done(&b);
}
END_TEST

START_TEST(the_sink_gets_files_of_winmail_dat_by_their_ordinals)
{
    struct buffer b, got;
    struct error err;
    put_tnef_mail(&b, "own text");
    buffer_init(&got, 1 << 16);
    const struct mail_sink sink = {take, &got};
    const struct mail_options options = {.sink = &sink};
    AUTO(mail) mail = read_mail(&b, b.len, &options, &err);
    ck_assert_ptr_nonnull(mail);
    const char *end = "<2 pdf><3 hello><4 x>";
    ck_assert_str_eq(got.data + got.len - strlen(end), end);
    buffer_done(&got);
    buffer_done(&b);
}
END_TEST

START_TEST(a_mail_without_text_has_that_of_winmail_dat)
{
    struct buffer b;
    struct error err;
    put_tnef_mail(&b, " \r\n");
    AUTO(mail) mail = read_mail(&b, b.len, NULL, &err);
    ck_assert_str_eq(mail->message_body, "from TNEF");
    ck_assert_ptr_null(mail->html);
    buffer_done(&b);
}
END_TEST

static void put_text_value(struct buffer *b, const char *text)
{
    size_t count = strlen(text) + 1;
    put_u32(b, 1);
    put_u32(b, (uint32_t)count);
    buffer_append(b, text, count);
    buffer_append(b, "\0\0\0", (4 - count % 4) % 4);
}

/* A property of PSETID_Appointment. */
static void put_appointment_tag(struct buffer *b, uint32_t tag, uint32_t number)
{
    put_u32(b, tag);
    buffer_append(b, "\x02\x20\x06\0\0\0\0\0\xC0\0\0\0\0\0\0\x46", 16);
    put_u32(b, 0);
    put_u32(b, number);
}

/* 12:00 and 13:00 UTC of 1 March 2026, in 100 ns since 1601. */
static void put_meeting(struct buffer *tnef, const char *class)
{
    static const uint64_t times[] = {134168400000000000u, 134168436000000000u};
    AUTO_DONE(buffer) props;
    buffer_init(&props, 1 << 12);
    put_u32(&props, 5);
    put_u32(&props, 0x001A001E);
    put_text_value(&props, class);
    put_u32(&props, 0x0037001E);
    put_text_value(&props,
                   "Review; a, b and a long enough subject that it must be folded somewhere");
    for (uint32_t i = 0; i < 2; i++) {
        put_appointment_tag(&props, 0x80000040 + (i << 16), 0x820D + i);
        put_u32(&props, (uint32_t)times[i]);
        put_u32(&props, (uint32_t)(times[i] >> 32));
    }
    put_appointment_tag(&props, 0x8002001E, 0x8208);
    put_text_value(&props, "Room 1\n2nd floor");
    put_start(tnef);
    put_attribute(tnef, 1, 0x9003, props.data, props.len);
}

/* RFC 5545 s.3.1: at most 75 octets a line, its end not counted. */
static void check_lines_and_unfold(char *file)
{
    size_t longest = 0;
    for (const char *line = file, *end; line != NULL && (end = strstr(line, "\r\n")) != NULL;
         line = end + 2)
        longest = (size_t)(end - line) > longest ? (size_t)(end - line) : longest;
    ck_assert_uint_le(longest, 75);
    for (char *fold; file != NULL && (fold = strstr(file, "\r\n ")) != NULL;)
        memmove(fold, fold + 3, strlen(fold + 3) + 1);
}

static const struct meeting_row {
    const char *class, *names, *method;
} meeting_rows[] = {
    {"IPM.Schedule.Meeting.Request", "winmail.dat|meeting.ics", "METHOD:REQUEST\r\n"},
    {"IPM.Schedule.Meeting.Canceled", "winmail.dat|meeting.ics", "METHOD:CANCEL\r\n"},
    {"IPM.Schedule.Meeting.Resp.Pos", "winmail.dat|meeting.ics", "METHOD:REPLY\r\n"},
    {"IPM.Microsoft Schedule.MtgReq", "winmail.dat|meeting.ics", "METHOD:REQUEST\r\n"},
    {"IPM.Note", "winmail.dat", NULL},
};

START_TEST(a_meeting_in_winmail_dat_is_a_calendar_file)
{
    struct buffer b, got;
    struct error err;
    AUTO_DONE(buffer) tnef;
    put_meeting(&tnef, meeting_rows[_i].class);
    buffer_init(&b, 1 << 16);
    buffer_init(&got, 1 << 16);
    buffer_append_text(&b, MULTIPART TNEF_PART);
    put_base64(&b, tnef.data, tnef.len);
    buffer_append_text(&b, "--b--\r\n");
    const struct mail_sink sink = {take, &got};
    const struct mail_options options = {.sink = &sink};
    AUTO(mail) mail = read_mail(&b, 77, &options, &err);
    ck_assert_ptr_nonnull(mail);
    check_names(mail, meeting_rows[_i].names);
    char *file = memmem(got.data, got.len, "<2 ", 3);
    check_lines_and_unfold(file);
    ck_assert_int_eq(file != NULL, meeting_rows[_i].method != NULL);
    static const char *const lines[] = {
        "DTSTART:20260301T120000Z\r\n", "DTEND:20260301T130000Z\r\n",
        "SUMMARY:Review\\; a\\, b and a long enough subject that it must be folded somewhere\r\n",
        "LOCATION:Room 1\\n2nd floor\r\n", "END:VEVENT\r\nEND:VCALENDAR\r\n>",
    };
    for (size_t i = 0; file != NULL && i < sizeof lines / sizeof lines[0]; i++)
        ck_assert_msg(strstr(file, lines[i]) != NULL, "no '%s' in %s", lines[i], file);
    ck_assert(file == NULL || strstr(file, meeting_rows[_i].method) != NULL);
    buffer_done(&b);
    buffer_done(&got);
}
END_TEST

START_TEST(winmail_dat_that_is_none_stays_an_attachment_and_a_problem_tells)
{
    struct buffer b;
    struct error err;
    buffer_init(&b, 1 << 16);
    buffer_append_text(&b, MULTIPART TNEF_PART "bm8gVE5FRg==\r\n--b--\r\n");
    AUTO(mail) mail = read_mail(&b, b.len, NULL, &err);
    check_names(mail, "winmail.dat");
    ck_assert_uint_eq(mail->problems.count, 1);
    buffer_done(&b);
}
END_TEST

START_TEST(more_winmail_dat_than_four_are_not_opened)
{
    struct buffer b;
    struct error err;
    AUTO_DONE(buffer) tnef;
    put_start(&tnef);
    put_file(&tnef, "f", "x");
    buffer_init(&b, 1 << 20);
    buffer_append_text(&b, MULTIPART);
    for (int i = 0; i < 5; i++) {
        buffer_append_text(&b, TNEF_PART);
        put_base64(&b, tnef.data, tnef.len);
    }
    buffer_append_text(&b, "--b--\r\n");
    AUTO(mail) mail = read_mail(&b, b.len, NULL, &err);
    check_names(mail, "winmail.dat|winmail.dat|winmail.dat|winmail.dat|winmail.dat|f|f|f|f");
    ck_assert_uint_eq(mail->problems.count, 1);
    buffer_done(&b);
}
END_TEST

/* Its winmail.dat is longer than a spool holds in memory. */
static void put_large_tnef_mail(struct buffer *b)
{
    AUTO_DONE(buffer) tnef;
    AUTO_DONE(buffer) data;
    buffer_init(&data, 1 << 20);
    buffer_reserve(&data, 400000);
    memset(data.data, 'x', 400000);
    buffer_added(&data, 400000);
    put_start(&tnef);
    put_file(&tnef, "large", data.data);
    buffer_init(b, 1 << 24);
    buffer_append_text(b, MULTIPART TNEF_PART);
    put_base64(b, tnef.data, tnef.len);
    buffer_append_text(b, "--b--\r\n");
}

START_TEST(a_large_winmail_dat_waits_in_the_spool_folder)
{
    struct buffer b;
    struct error err;
    put_large_tnef_mail(&b);
    AUTO(mail) mail = read_mail(&b, b.len, NULL, &err);
    check_names(mail, "winmail.dat|large");
    ck_assert_uint_eq(mail->attachments[1].size, 400000);
    buffer_done(&b);
}
END_TEST

START_TEST(a_spool_folder_that_refuses_is_never_the_mails_fault)
{
    struct buffer b;
    struct error err;
    const struct mail_options options = {.spool_dir = "/nonexistent/folder"};
    put_large_tnef_mail(&b);
    AUTO(mail) mail = read_mail(&b, b.len, &options, &err);
    ck_assert_ptr_null(mail);
    ck_assert_int_eq((int)err.class, ERROR_CREATE);
    buffer_done(&b);
}
END_TEST

START_TEST(a_sink_that_says_stop_inside_winmail_dat_stops_the_parser)
{
    struct buffer b;
    struct error err;
    const struct mail_sink sink = {refuse, NULL};
    const struct mail_options options = {.sink = &sink};
    buffer_init(&b, 1 << 16);
    AUTO_DONE(buffer) tnef;
    put_start(&tnef);
    put_file(&tnef, "f", "x");
    buffer_append_text(&b, MULTIPART TNEF_PART);
    put_base64(&b, tnef.data, tnef.len);
    AUTO(mail) mail = read_mail(&b, b.len, &options, &err);
    ck_assert_ptr_null(mail);
    ck_assert_int_eq((int)err.class, ERROR_CANCELLED);
    buffer_done(&b);
}
END_TEST

/* -- opaque signatures -- */

/* SignedData of indefinite lengths around @inner, in octet strings of @piece bytes; appended. */
static void put_signed(struct buffer *b, const void *inner, size_t count, size_t piece)
{
    static const char before[] =
        "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80\x30\x80"
        "\x02\x01\x01\x31\x00\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01"
        "\x07\x01\xa0\x80\x24\x80";
    buffer_append(b, before, sizeof before - 1);
    for (size_t at = 0; at < count; at += piece) {
        size_t n = count - at < piece ? count - at : piece;
        const uint8_t head[] = {0x04, 0x82, (uint8_t)(n >> 8), (uint8_t)n};
        buffer_append(b, head, sizeof head);
        buffer_append(b, (const char *)inner + at, n);
    }
    buffer_append(b, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
}

#define SIGNED_HEADER "From: a@example.org\r\nSubject: outer\r\nMIME-Version: 1.0\r\n" SIGNED_PART
#define SIGNED_PART "Content-Type: application/pkcs7-mime; name=smime.p7m\r\n" \
                    "Content-Transfer-Encoding: base64\r\n\r\n"
#define INNER "Subject: inner\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n" \
              "--i\r\nContent-Transfer-Encoding: base64\r\n\r\nc2lnbmVkIHdvcmRz\r\n" \
              "--i\r\nContent-Type: image/png; name=p.png\r\n" \
              "Content-Transfer-Encoding: base64\r\n\r\ncG5n\r\n--i--\r\n"

static void put_signed_mail(struct buffer *b, const void *inner, size_t count)
{
    AUTO_DONE(buffer) cms;
    buffer_init(&cms, 1 << 24);
    put_signed(&cms, inner, count, 50);
    buffer_init(b, 1 << 24);
    buffer_append_text(b, SIGNED_HEADER);
    put_base64(b, cms.data, cms.len);
}

START_TEST(the_message_inside_a_signature_is_read_as_if_it_stood_there)
{
    struct buffer b;
    struct error err;
    put_signed_mail(&b, INNER, sizeof INNER - 1);
    for (size_t cut = 0; cut <= b.len; cut++) {
        AUTO(mail) mail = read_mail(&b, cut, NULL, &err);
        ck_assert_str_eq(mail->message_body, "signed words");
        ck_assert_str_eq(mail->subject, "outer");
        check_names(mail, "smime.p7m|p.png");
        ck_assert_uint_eq(mail->attachments[1].size, 3);
        ck_assert_uint_eq(mail->flags, MAIL_SIGNED);
        ck_assert_uint_eq(mail->problems.count, 0);
    }
    buffer_done(&b);
}
END_TEST

START_TEST(a_signature_around_a_signature_is_opened_too)
{
    struct buffer b;
    struct error err;
    AUTO_DONE(buffer) middle;
    AUTO_DONE(buffer) cms;
    buffer_init(&middle, 1 << 16);
    buffer_init(&cms, 1 << 16);
    put_signed(&cms, INNER, sizeof INNER - 1, 7);
    buffer_append_text(&middle, SIGNED_PART);
    put_base64(&middle, cms.data, cms.len);
    put_signed_mail(&b, middle.data, middle.len);
    AUTO(mail) mail = read_mail(&b, b.len / 2, NULL, &err);
    ck_assert_str_eq(mail->message_body, "signed words");
    check_names(mail, "smime.p7m|smime.p7m|p.png");
    buffer_done(&b);
}
END_TEST

START_TEST(signatures_nested_without_end_are_opened_eight_times)
{
    struct error err;
    AUTO_DONE(buffer) part;
    buffer_init(&part, 1 << 24);
    buffer_append_text(&part, "Content-Type: text/plain\r\n\r\ndeep");
    for (int i = 0; i < 12; i++) {
        struct buffer next;
        AUTO_DONE(buffer) cms;
        buffer_init(&cms, 1 << 24);
        buffer_init(&next, 1 << 24);
        put_signed(&cms, part.data, part.len, 1000);
        buffer_append_text(&next, SIGNED_PART);
        put_base64(&next, cms.data, cms.len);
        buffer_done(&part);
        part = next;
    }
    AUTO(mail) mail = read_mail(&part, part.len, NULL, &err);
    ck_assert_uint_eq(mail->attachment_count, 9);
    ck_assert_ptr_null(mail->message_body);
}
END_TEST

START_TEST(a_signed_message_that_is_cut_off_gives_its_beginning_and_a_problem)
{
    struct buffer b;
    struct error err;
    put_signed_mail(&b, "\r\nsigned words\r\n", 16);
    buffer_truncate(&b, b.len - 24);
    AUTO(mail) mail = read_mail(&b, b.len, NULL, &err);
    ck_assert_int_eq(strncmp(mail->message_body, "signed", 6), 0);
    ck_assert_uint_ge(mail->problems.count, 1);
    buffer_done(&b);
}
END_TEST

START_TEST(an_encrypted_message_is_an_attachment_and_flagged)
{
    struct buffer b;
    struct error err;
    buffer_init(&b, 1 << 16);
    buffer_append_text(&b, SIGNED_HEADER);
    put_base64(&b, "\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x80\0\0\0\0", 19);
    AUTO(mail) mail = read_mail(&b, b.len, NULL, &err);
    check_names(mail, "smime.p7m");
    ck_assert_uint_eq(mail->flags, MAIL_ENCRYPTED);
    ck_assert_ptr_null(mail->message_body);
    buffer_done(&b);
}
END_TEST

START_TEST(certificates_alone_are_an_attachment_and_no_signature)
{
    struct buffer b;
    struct error err;
    buffer_init(&b, 1 << 16);
    buffer_append_text(&b, SIGNED_HEADER);
    put_base64(&b,
               "\x30\x1c\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x0f\x30\x0d\x02\x01\x01"
               "\x31\x00\x30\x06\x06\x04\x2a\x03\x04\x05",
               30);
    AUTO(mail) mail = read_mail(&b, b.len, NULL, &err);
    check_names(mail, "smime.p7m");
    ck_assert_uint_eq(mail->flags, 0);
    buffer_done(&b);
}
END_TEST

START_TEST(winmail_dat_inside_a_signature_is_opened)
{
    struct buffer b;
    struct error err;
    AUTO_DONE(buffer) inner;
    AUTO_DONE(buffer) tnef;
    put_start(&tnef);
    put_file(&tnef, "f.txt", "x");
    buffer_init(&inner, 1 << 16);
    buffer_append_text(&inner, "Content-Type: multipart/mixed; boundary=b\r\n\r\n" TNEF_PART);
    put_base64(&inner, tnef.data, tnef.len);
    buffer_append_text(&inner, OTHER_PART "--b--\r\n");
    put_signed_mail(&b, inner.data, inner.len);
    AUTO(mail) mail = read_mail(&b, b.len, NULL, &err);
    check_names(mail, "smime.p7m|winmail.dat|o.pdf|f.txt");
    buffer_done(&b);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("mail-container");
    TCase *t = tcase_create("winmail.dat");
    tcase_add_test(t, files_of_winmail_dat_stand_behind_the_other_attachments);
    tcase_add_test(t, the_sink_gets_files_of_winmail_dat_by_their_ordinals);
    tcase_add_test(t, a_mail_without_text_has_that_of_winmail_dat);
    tcase_add_loop_test(t, a_meeting_in_winmail_dat_is_a_calendar_file, 0,
                        sizeof meeting_rows / sizeof meeting_rows[0]);
    tcase_add_test(t, winmail_dat_that_is_none_stays_an_attachment_and_a_problem_tells);
    tcase_add_test(t, more_winmail_dat_than_four_are_not_opened);
    tcase_add_test(t, a_large_winmail_dat_waits_in_the_spool_folder);
    tcase_add_test(t, a_spool_folder_that_refuses_is_never_the_mails_fault);
    tcase_add_test(t, a_sink_that_says_stop_inside_winmail_dat_stops_the_parser);
    suite_add_tcase(s, t);
    t = tcase_create("signatures");
    tcase_add_test(t, the_message_inside_a_signature_is_read_as_if_it_stood_there);
    tcase_add_test(t, a_signature_around_a_signature_is_opened_too);
    tcase_add_test(t, signatures_nested_without_end_are_opened_eight_times);
    tcase_add_test(t, a_signed_message_that_is_cut_off_gives_its_beginning_and_a_problem);
    tcase_add_test(t, an_encrypted_message_is_an_attachment_and_flagged);
    tcase_add_test(t, certificates_alone_are_an_attachment_and_no_signature);
    tcase_add_test(t, winmail_dat_inside_a_signature_is_opened);
    suite_add_tcase(s, t);
    return s;
}

CHECK_MAIN(suite)
