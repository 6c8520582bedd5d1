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

static void text_init(struct buffer *text, size_t limit, const char *dir)
{
    buffer_init(text, limit);
    buffer_file(text, dir, MAIL_TEXT_MEMORY_MAX);
}

void mail_body_init(struct mail_body *body, const char *dir, struct mail_texts *problems)
{
    memset(body, 0, sizeof *body);
    body->dir = dir;
    body->problems = problems;
    text_init(&body->texts[MAIL_BODY_TEXT], MAIL_TEXT_MAX, dir);
    text_init(&body->texts[MAIL_BODY_HTML], MAIL_TEXT_MAX, dir);
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
static size_t lines_unify(struct buffer *b, size_t start)
{
    struct text_walk walk = {.text = b, .last = b->data};
    char *text = b->data, *end = text + b->len, *to = text + start;
    for (char *from = to; from < end;) {
        const char *cr = text_walk_find(&walk, from, end, '\r');
        size_t run = (size_t)((cr != NULL ? cr : end) - from);
        text_walk_move(&walk, to, from, run);
        to += run;
        from += run;
        if (cr != NULL && (++from == end || *from != '\n'))
            *to++ = '\n';
    }
    return (size_t)(to - text);
}

/* Behind its white space, or the end. */
static size_t skip_blank(struct buffer *b, size_t at, size_t end)
{
    struct text_walk walk = {.text = b, .last = b->data};
    for (; at < end && text_is_space(b->data[at]); at++)
        text_walk_at(&walk, b->data + at);
    return at;
}

/* The text is complete: its lines as they are to be read. */
static void piece_finish(struct buffer *b, struct mail_body_piece *piece)
{
    if (b->data != NULL) { /* else it has no bytes */
        size_t start = piece->start;
        buffer_truncate(b, lines_unify(b, start));
        struct text_walk walk = {.text = b, .last = b->data};
        buffer_truncate(b, start +
                               mail_flow_join(piece->flow, b->data + start, b->len - start, &walk));
    }
    piece->end = b->len;
    piece->blank = skip_blank(b, piece->start, piece->end) == piece->end;
    buffer_passed(b);
}

int mail_body_close(struct mail_body *body)
{
    struct buffer *b = last_buffer(body);
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
    piece_finish(b, last_piece(body));
    return result;
}

void mail_body_forget(struct mail_body *body)
{
    buffer_truncate(last_buffer(body), last_piece(body)->before);
    charset_decoder_free(body->decoder);
    body->decoder = NULL;
    body->count--;
}

bool mail_body_last_is_blank(const struct mail_body *body)
{
    return last_piece(body)->blank;
}

bool mail_body_last_has(struct mail_body *body, const char *text)
{
    const struct mail_body_piece *piece = last_piece(body);
    struct buffer *b = last_buffer(body);
    const char *first = buffer_text(b) + piece->start, *end = buffer_text(b) + piece->end;
    struct text_walk walk = {.text = b, .last = first};
    const char *at = first;
    while ((at = text_walk_find_text(&walk, at, end, text)) != NULL) {
        if (at == first || at[-1] == '\n')
            return true;
        at += strlen(text);
    }
    return false;
}

bool mail_body_is_blank(const struct mail_body *body)
{
    for (size_t i = 0; i < body->count; i++)
        if (body->pieces[i].kind == MAIL_BODY_HTML || !body->pieces[i].blank)
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
    const char *at, *end;
    struct text_walk walk;
    bool angles_off; /* none closes any more */
};

static struct words words_of(struct buffer *b, size_t start, size_t end)
{
    const char *text = buffer_text(b);
    return (struct words){
        .at = text + start, .end = text + end, .walk = {.text = b, .last = text + start}};
}

/* The next one, in lower case; -1 at the end. */
static int words_next(struct words *w)
{
    while (w->at < w->end) {
        text_walk_at(&w->walk, w->at);
        char c = text_lower(*w->at++);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (uint8_t)c >= 0x80)
            return (uint8_t)c;
        if (c != '<' || w->angles_off)
            continue;
        const char *close = text_walk_find(&w->walk, w->at, w->end, '>');
        w->angles_off = close == NULL;
        w->at = close != NULL ? close + 1 : w->at;
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
static bool repeats(struct mail_body *body, const struct mail_body_piece *piece, struct buffer *out,
                    size_t from)
{
    if (piece == body->pieces || piece[-1].kind != MAIL_BODY_TEXT)
        return false;
    return words_are_same(words_of(&body->texts[MAIL_BODY_TEXT], piece[-1].start, piece[-1].end),
                          words_of(out, from, out->len));
}

static int append_piece(struct mail_body *body, const struct mail_body_piece *piece,
                        struct buffer *out)
{
    struct buffer *b = &body->texts[piece->kind];
    const char *text = buffer_text(b) + piece->start;
    size_t len = piece->end - piece->start, before = out->len;
    struct text_walk walk = {.text = b, .last = text};
    int result = join(out);
    size_t from = out->len;
    if (result == 0)
        result = piece->kind == MAIL_BODY_HTML ? html_to_text(text, len, &walk, out)
                                               : text_walk_append(&walk, text, len, out);
    if (result == 0 && piece->kind == MAIL_BODY_HTML && repeats(body, piece, out, from))
        buffer_truncate(out, before);
    buffer_passed(b);
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
    struct buffer made, *texts = body->texts;
    size_t converted, readable = count_readable(body, &converted), html = 0;
    int result = 0;
    text_init(&made, MAIL_TEXT_MAX - texts[MAIL_BODY_HTML].len, body->dir);
    if (converted > 0)
        result = finish_text(body, &made);
    if (readable > 0)
        mail->message_body = text_walk_take(converted > 0 ? &made : &texts[MAIL_BODY_TEXT],
                                            &mail->message_body_size, &mail->message_body_file);
    for (size_t i = 0; i < body->count; i++)
        html += body->pieces[i].kind == MAIL_BODY_HTML ? 1 : 0;
    if (html > 0)
        mail->html = text_walk_take(&texts[MAIL_BODY_HTML], &mail->html_size, &mail->html_file);
    buffer_done(&made);
    bool failed = (readable > 0 && mail->message_body == NULL) || (html > 0 && mail->html == NULL);
    return result < 0 || failed ? -1 : 0;
}
