/* SPDX-License-Identifier: Apache-2.0 */
/* tnef-body.h - the body of a message in TNEF, told in up to four ways: which is the plain text,
 * which the HTML.
 *
 * Text goes: PR_BODY, else attBody, else RTF that was never HTML. HTML goes: PR_HTML or
 * PR_BODY_HTML, else the HTML inside the compressed RTF. A part that comes twice counts once, the
 * first. The code page may be told behind the part, so bytes are kept as they are until
 * tnef_body_finish(). */
#ifndef MAILCHUTE_MIME_TNEF_BODY_H
#define MAILCHUTE_MIME_TNEF_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "rtf-lzfu.h"
#include "rtf.h"
#include "text-walk.h"

#define TNEF_RTF_FACTOR 2u /* RTF around HTML is up to this much longer, mostly */

enum tnef_part { TNEF_OLD_TEXT, TNEF_TEXT, TNEF_HTML, TNEF_RTF, TNEF_PARTS };

struct tnef_body {
    const char *dir;          /* for their files; borrowed */
    size_t limit;             /* bytes kept of each part */
    size_t *rtf_left;         /* bytes that may still come out of compressed RTF; borrowed */
    bool seen[TNEF_PARTS];
    bool cut;                 /* some part was longer than the limit */
    bool bad_rtf;             /* the RTF is none */
    bool unicode[TNEF_PARTS]; /* UTF-16LE, not bytes of a code page */
    struct buffer bytes[TNEF_PARTS]; /* as they came; of the RTF what it became, in UTF-8 */
    struct rtf_lzfu *lzfu;    /* while RTF is read */
    struct rtf_reader *rtf;
    enum rtf_kind rtf_kind;
};

/* What came out: text is yours, text_walk_free(); NULL: there is none. */
struct tnef_text {
    char *text;
    size_t size;
    struct file_memory *file;
};

/** tnef_body_init - @dir: the folder of large ones (mail.h), borrowed. @rtf_left is shared by all
 * bodies of one winmail.dat, so that many small ones cost no more time than a large one. */
void tnef_body_init(struct tnef_body *b, size_t limit, const char *dir, size_t *rtf_left);
void tnef_body_done(struct tnef_body *b);

/** tnef_body_start - @part begins; *out_wanted is false when it is there already: feed nothing
 * then, and do not end it. All return -1 only out of memory. */
int tnef_body_start(struct tnef_body *b, enum tnef_part part, bool unicode, bool *out_wanted);
int tnef_body_bytes(struct tnef_body *b, enum tnef_part part, const uint8_t *bytes, size_t count);
int tnef_body_end(struct tnef_body *b, enum tnef_part part);

/** tnef_body_finish - the results. A page of 0 is unknown. The parts are given up on the way. */
int tnef_body_finish(struct tnef_body *b, uint32_t text_page, uint32_t html_page,
                     struct tnef_text *out_text, struct tnef_text *out_html);

#endif
