/* SPDX-License-Identifier: Apache-2.0 */
/* mail-body.h - the text and the HTML of a mail, gathered from the parts that are its body.
 *
 * message_body is what a person would read from top to bottom: each text/plain part in order, and
 * HTML as text where no text/plain stands beside it as its alternative. html is all HTML parts in
 * order. Parts are joined by a line end, lines end in LF. Both together have MAIL_TEXT_MAX bytes at
 * most, what comes later is cut. Of what is more than MAIL_TEXT_MEMORY_MAX only windows are in
 * memory, the rest lies in files without a name (buffer.h). */
#ifndef MAILCHUTE_MIME_MAIL_BODY_H
#define MAILCHUTE_MIME_MAIL_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "html-charset.h"
#include "mail-flow.h"
#include "mail.h"

enum mail_body_kind { MAIL_BODY_TEXT, MAIL_BODY_HTML };

struct mail_body_piece {
    enum mail_body_kind kind;
    uint32_t group;            /* pieces of one group are alternatives of each other; 0: of none */
    enum mail_flow flow;
    bool blank;                /* closed, and nothing but white space */
    size_t before, start, end; /* in its kind's buffer: end of what came before, its own text */
};

/* What its part says about a piece. */
struct mail_body_head {
    enum mail_body_kind kind;
    uint32_t group;
    enum mail_flow flow;
    const char *charset; /* NULL: it says nothing; borrowed during the call */
    const char *guess;   /* charset_decoder_guess(): static or NULL */
};

struct mail_body {
    const char *dir;        /* for the files of texts; borrowed */
    struct buffer texts[2]; /* by enum mail_body_kind */
    struct mail_body_piece *pieces;
    size_t count, capacity;
    struct charset_decoder *decoder; /* of the piece that is open; NULL until its set is known */
    const char *guess;               /* likewise: see mail_body_head */
    size_t head_len;                 /* HTML that names no set: its first bytes */
    uint8_t head[HTML_CHARSET_HEAD];
    struct mail_texts *problems; /* borrowed */
};

/** mail_body_init - @dir: the folder for its files; both borrowed until mail_body_done(). */
void mail_body_init(struct mail_body *body, const char *dir, struct mail_texts *problems);
void mail_body_done(struct mail_body *body);

/** mail_body_open - the next piece. One piece is open at a time; HTML without a charset is asked
 * itself (html-charset.h). mail_body_write takes its decoded bytes. -1 is out of memory, here and
 * below. */
int mail_body_open(struct mail_body *body, const struct mail_body_head *head);
int mail_body_write(struct mail_body *body, const uint8_t *bytes, size_t count);
int mail_body_close(struct mail_body *body);

/** mail_body_forget - the last piece was none: closed or open, it goes. */
void mail_body_forget(struct mail_body *body);

/** mail_body_last_is_blank - the last piece, closed, is nothing but white space. */
bool mail_body_last_is_blank(const struct mail_body *body);

/** mail_body_last_has - it has a line that begins with @text. */
bool mail_body_last_has(struct mail_body *body, const char *text);

/** mail_body_is_blank - there is no HTML, and no text but white space. No piece is open. */
bool mail_body_is_blank(const struct mail_body *body);

/** mail_body_finish - fill mail->message_body and mail->html. Once. */
int mail_body_finish(struct mail_body *body, struct mail *mail);

#endif
