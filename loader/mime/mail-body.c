/* SPDX-License-Identifier: Apache-2.0 */
/* mail-body.c - see mail-body.h. */
#include <config.h>
#include "mail-body.h"

#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "html-text.h"
#include "problem.h"
#include "text.h"

void mail_body_init(struct mail_body *body, struct mail_texts *problems)
{
    memset(body, 0, sizeof *body);
    body->problems = problems;
    buffer_init(&body->texts[MAIL_BODY_TEXT], MAIL_TEXT_MAX);
    buffer_init(&body->texts[MAIL_BODY_HTML], MAIL_TEXT_MAX);
}

void mail_body_done(struct mail_body *body)
{
    buffer_done(&body->texts[MAIL_BODY_TEXT]);
    buffer_done(&body->texts[MAIL_BODY_HTML]);
    charset_decoder_free(body->decoder);
    free(body->pieces);
    body->decoder = NULL;
    body->pieces = NULL;
    body->count = body->capacity = 0;
}

static struct mail_body_piece *last_piece(const struct mail_body *body)
{
    return &body->pieces[body->count - 1];
}

static struct buffer *last_buffer(struct mail_body *body)
{
    return &body->texts[last_piece(body)->kind];
}

/* 0, or -1 out of memory: a text that is full is cut, and that is told. */
static int full_or_failed(struct mail_body *body, const struct buffer *b, int result)
{
    if (!buffer_is_full(b))
        return result;
    return problem_add(body->problems, "text longer than %u MB: cut", MAIL_TEXT_MAX / 1048576);
}

/* What follows begins a line of its own. */
static int join(struct buffer *out)
{
    if (out->len == 0 || out->data[out->len - 1] == '\n')
        return 0;
    return buffer_append_byte(out, '\n');
}

/* This text may have what the other leaves of MAIL_TEXT_MAX. */
static void share_limit(struct mail_body *body, enum mail_body_kind kind)
{
    enum mail_body_kind other = kind == MAIL_BODY_TEXT ? MAIL_BODY_HTML : MAIL_BODY_TEXT;
    body->texts[kind].limit = MAIL_TEXT_MAX - body->texts[other].len;
}

static int decoder_open(struct mail_body *body, const char *charset)
{
    body->decoder = charset_decoder_new(charset);
    if (body->decoder == NULL)
        return -1;
    charset_decoder_guess(body->decoder, body->guess);
    return 0;
}

int mail_body_open(struct mail_body *body, const struct mail_body_head *head)
{
    if (body->count == body->capacity) {
        size_t capacity = body->capacity == 0 ? 4 : body->capacity * 2;
        struct mail_body_piece *pieces = reallocarray(body->pieces, capacity, sizeof *pieces);
        if (pieces == NULL)
            return -1;
        body->pieces = pieces;
        body->capacity = capacity;
    }
    body->head_len = 0;
    body->guess = head->guess;
    const char *charset = head->charset;
    bool ask = head->kind == MAIL_BODY_HTML && (charset == NULL || charset[0] == '\0');
    if (!ask && decoder_open(body, charset) < 0)
        return -1;
    struct buffer *b = &body->texts[head->kind];
    size_t before = b->len;
    share_limit(body, head->kind);
    if (!buffer_is_full(b) && full_or_failed(body, b, join(b)) < 0)
        return -1;
    body->pieces[body->count++] = (struct mail_body_piece){
        head->kind, head->group, head->flow, false, before, b->len, b->len,
    };
    return 0;
}

static int decode(struct mail_body *body, const uint8_t *bytes, size_t count)
{
    struct buffer *b = last_buffer(body);
    if (buffer_is_full(b))
        return 0;
    return full_or_failed(body, b, charset_decoder_feed(body->decoder, bytes, count, b));
}

/* The first bytes of HTML are there, or all there are: what do they say? */
static int head_decide(struct mail_body *body)
{
    char label[HTML_CHARSET_MAX];
    bool found = html_charset((struct span){body->head, body->head_len}, label);
    if (decoder_open(body, found ? label : NULL) < 0)
        return -1;
    return decode(body, body->head, body->head_len);
}

int mail_body_write(struct mail_body *body, const uint8_t *bytes, size_t count)
{
    if (body->decoder == NULL) {
        size_t room = sizeof body->head - body->head_len, n = count < room ? count : room;
        memcpy(body->head + body->head_len, bytes, n);
        body->head_len += n;
        if (body->head_len < sizeof body->head)
            return 0;
        if (head_decide(body) < 0)
            return -1;
        bytes += n;
        count -= n;
    }
    return decode(body, bytes, count);
}

/* CR LF and bare CR become LF, in place. Returns the new end. */
static size_t lines_unify(char *text, size_t start, size_t end)
{
    size_t to = start;
    for (size_t from = start; from < end;) {
        const char *cr = memchr(text + from, '\r', end - from);
        size_t run = cr != NULL ? (size_t)(cr - text) - from : end - from;
        if (to != from)
            memmove(text + to, text + from, run);
        to += run;
        from += run + 1;
        if (cr != NULL && (from == end || text[from] != '\n'))
            text[to++] = '\n';
    }
    return to;
}

int mail_body_close(struct mail_body *body)
{
    struct buffer *b = last_buffer(body);
    struct mail_body_piece *piece = last_piece(body);
    int result = body->decoder == NULL ? head_decide(body) : 0;
    if (result < 0)
        return -1;
    if (!buffer_is_full(b))
        result = full_or_failed(body, b, charset_decoder_finish(body->decoder, b));
    const char *problem = charset_decoder_problem(body->decoder);
    if (problem != NULL && problem_add(body->problems, "%s", problem) < 0)
        result = -1;
    charset_decoder_free(body->decoder);
    body->decoder = NULL;
    if (b->data != NULL) {
        size_t end = lines_unify(b->data, piece->start, b->len), start = piece->start;
        buffer_truncate(b, start + mail_flow_join(piece->flow, b->data + start, end - start));
    }
    piece->end = b->len;
    size_t at = piece->start;
    /* analyse: without data the piece has no bytes */
    while (at < piece->end && text_is_space(b->data[at]))
        at++;
    piece->blank = at == piece->end;
    return result;
}

void mail_body_forget(struct mail_body *body)
{
    buffer_truncate(last_buffer(body), last_piece(body)->before);
    charset_decoder_free(body->decoder);
    body->decoder = NULL;
    body->count--;
}

struct span mail_body_last(const struct mail_body *body)
{
    const struct mail_body_piece *piece = last_piece(body);
    const char *text = buffer_text(&body->texts[piece->kind]);
    return (struct span){(const uint8_t *)text + piece->start, piece->end - piece->start};
}

bool mail_body_is_blank(const struct mail_body *body)
{
    const struct buffer *text = &body->texts[MAIL_BODY_TEXT];
    for (size_t i = 0; i < body->count; i++)
        if (body->pieces[i].kind == MAIL_BODY_HTML)
            return false;
    for (size_t i = 0; i < text->len; i++)
        if (!text_is_space(text->data[i]))
            return false;
    return true;
}

/* ---- putting it together ---- */

/* This piece is left out of message_body: HTML beside a text/plain that is its alternative, or such
 * a text that says nothing beside its HTML. */
static bool has_better(const struct mail_body *body, const struct mail_body_piece *piece)
{
    bool html = piece->kind == MAIL_BODY_HTML;
    if (piece->group == 0 || (!html && !piece->blank))
        return false;
    for (size_t i = 0; i < body->count; i++) {
        const struct mail_body_piece *other = &body->pieces[i];
        if (other->group == piece->group && other->kind != piece->kind && !other->blank)
            return true;
    }
    return false;
}

/* Letters and digits of a text, without what stands in "<...>": links. */
struct words {
    const char *text;
    size_t len, at;
    bool angles_off; /* none closes any more */
};

/* The next one, in lower case; -1 at the end. */
static int words_next(struct words *w)
{
    while (w->at < w->len) {
        char c = text_lower(w->text[w->at++]);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (uint8_t)c >= 0x80)
            return (uint8_t)c;
        if (c != '<' || w->angles_off)
            continue;
        const char *close = memchr(w->text + w->at, '>', w->len - w->at);
        w->angles_off = close == NULL;
        w->at = close != NULL ? (size_t)(close - w->text) + 1 : w->at;
    }
    return -1;
}

static bool words_are_same(struct words a, struct words b)
{
    int letter, letters = 0;
    do {
        letter = words_next(&a);
        if (letter != words_next(&b))
            return false;
        letters += letters < 1 && letter >= 0 ? 1 : 0;
    } while (letter >= 0);
    return letters > 0;
}

/* HTML that says again what the text before it said: both came side by side, not as alternatives.
 */
static bool repeats(const struct mail_body *body, const struct mail_body_piece *piece,
                    const struct buffer *out, size_t from)
{
    if (piece == body->pieces || piece[-1].kind != MAIL_BODY_TEXT)
        return false;
    const char *before = buffer_text(&body->texts[MAIL_BODY_TEXT]) + piece[-1].start;
    return words_are_same((struct words){.text = before, .len = piece[-1].end - piece[-1].start},
                          (struct words){.text = buffer_text(out) + from, .len = out->len - from});
}

static int append_piece(struct mail_body *body, const struct mail_body_piece *piece,
                        struct buffer *out)
{
    const char *text = buffer_text(&body->texts[piece->kind]) + piece->start;
    size_t len = piece->end - piece->start, before = out->len;
    int result = join(out);
    size_t from = out->len;
    if (result == 0)
        result = piece->kind == MAIL_BODY_HTML ? html_to_text(text, len, out)
                                               : text_append_fitting(out, text, len);
    if (result == 0 && piece->kind == MAIL_BODY_HTML && repeats(body, piece, out, from))
        buffer_truncate(out, before);
    return full_or_failed(body, out, result);
}

/* How many pieces make up message_body; *out_converted of them are HTML. */
static size_t count_readable(const struct mail_body *body, size_t *out_converted)
{
    size_t readable = 0;
    *out_converted = 0;
    for (size_t i = 0; i < body->count; i++) {
        bool html = body->pieces[i].kind == MAIL_BODY_HTML;
        if (has_better(body, &body->pieces[i]))
            continue;
        readable++;
        *out_converted += html ? 1 : 0;
    }
    return readable;
}

static int finish_text(struct mail_body *body, struct buffer *out)
{
    for (size_t i = 0; i < body->count; i++) {
        const struct mail_body_piece *piece = &body->pieces[i];
        if (has_better(body, piece))
            continue;
        if (append_piece(body, piece, out) < 0)
            return -1;
    }
    return 0;
}

int mail_body_finish(struct mail_body *body, struct mail *mail)
{
    struct buffer made;
    size_t converted, readable = count_readable(body, &converted), html = 0;
    int result = 0;
    buffer_init(&made, MAIL_TEXT_MAX - body->texts[MAIL_BODY_HTML].len);
    if (converted > 0) {
        result = finish_text(body, &made);
        mail->message_body = buffer_take(&made);
    } else if (readable > 0) {
        mail->message_body = buffer_take(&body->texts[MAIL_BODY_TEXT]);
    }
    for (size_t i = 0; i < body->count; i++)
        html += body->pieces[i].kind == MAIL_BODY_HTML ? 1 : 0;
    if (html > 0)
        mail->html = buffer_take(&body->texts[MAIL_BODY_HTML]);
    bool failed = (readable > 0 && mail->message_body == NULL) || (html > 0 && mail->html == NULL);
    return result < 0 || failed ? -1 : 0;
}
