/* SPDX-License-Identifier: Apache-2.0 */
/* header-text.c - unstructured fields. See header-text.h.
 *
 * Two passes: the value becomes UTF-8 with whatever control characters it has, then these go. */
#include <config.h>
#include "header-text.h"

#include <stdlib.h>
#include <string.h>

#include "charset.h"
#include "encoded-word.h"
#include "problem.h"
#include "text.h"

/* The words of one charset in a row, decoded together: a character may lie on two of them. */
struct word_chain {
    struct charset_decoder *decoder; /* NULL: no chain is open */
    char charset[ENCODED_WORD_CHARSET_MAX];
    bool base64;
    struct encoded_word_bits bits;
};

static int chain_end(struct word_chain *chain, struct buffer *text, struct mail_texts *problems)
{
    AUTO(charset_decoder) decoder = TAKE(chain->decoder);
    if (decoder == NULL)
        return 0;
    if (charset_decoder_finish(decoder, text) < 0)
        return -1;
    const char *problem = charset_decoder_problem(decoder);
    return problem != NULL ? problem_add(problems, "header: %s", problem) : 0;
}

static int chain_word(struct word_chain *chain, const struct encoded_word *word,
                      struct buffer *text, struct mail_texts *problems)
{
    if (!word->whole && problem_add(problems, "header: encoded word without an end") < 0)
        return -1;
    if (chain->decoder != NULL && !text_equal_nocase(chain->charset, word->charset) &&
        chain_end(chain, text, problems) < 0)
        return -1;
    if (chain->decoder == NULL || chain->base64 != word->base64)
        chain->bits = (struct encoded_word_bits){0};
    if (chain->decoder == NULL) {
        chain->decoder = charset_decoder_new(word->charset);
        text_copy(chain->charset, sizeof chain->charset, word->charset);
    }
    chain->base64 = word->base64;
    AUTO_DONE(buffer) bytes;
    buffer_init(&bytes, word->payload.len);
    if (chain->decoder == NULL || encoded_word_decode(word, &chain->bits, &bytes) < 0)
        return -1;
    return charset_decoder_feed(chain->decoder, (const uint8_t *)bytes.data, bytes.len, text);
}

static bool span_is_blank(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!text_is_space((char)s.bytes[i]))
            return false;
    return true;
}

/* Text between words. Raw UTF-8 is in order (RFC 6532), other 8-bit text is not. */
static int header_plain(struct span plain, struct buffer *text, struct mail_texts *problems)
{
    static const char fine[] = "read as utf-8";
    char problem[CHARSET_PROBLEM_MAX];
    if (charset_to_utf8(NULL, plain, text, problem) < 0)
        return -1;
    size_t length = strlen(problem);
    if (length == 0 ||
        (length >= sizeof fine - 1 && strcmp(problem + length - (sizeof fine - 1), fine) == 0))
        return 0;
    return problem_add(problems, "header: %s", problem);
}

/* The next word, false if there is none; *out_plain is the text before it. */
static bool header_next_word(struct cursor *c, struct encoded_word *out_word,
                             struct span *out_plain)
{
    size_t from = c->pos, start;
    bool found = false;
    *out_plain = (struct span){c->bytes, 0};
    if (c->len == 0)
        return false;
    do {
        while (c->pos < c->len && c->bytes[c->pos] != '=')
            c->pos++;
        start = c->pos;
        found = encoded_word_parse(c, out_word) == PARSE_OK;
        if (!found && c->pos == start && c->pos < c->len)
            c->pos++;
    } while (!found && c->pos < c->len);
    *out_plain = (struct span){c->bytes + from, (found ? start : c->len) - from};
    return found;
}

/* First pass. Blank text between two words vanishes (RFC 2047 s.6.2). */
static int header_to_utf8(struct cursor c, struct word_chain *chain, struct buffer *text,
                          struct mail_texts *problems)
{
    for (;;) {
        struct encoded_word word;
        struct span plain;
        bool found = header_next_word(&c, &word, &plain);
        bool between = found && chain->decoder != NULL && span_is_blank(plain);
        if (plain.len > 0 && !between)
            if (chain_end(chain, text, problems) < 0 || header_plain(plain, text, problems) < 0)
                return -1;
        if (!found)
            return chain_end(chain, text, problems);
        if (chain_word(chain, &word, text, problems) < 0)
            return -1;
    }
}

/* Length of a control character here (C0, DEL, C1 as UTF-8), 0 if it is none. */
static size_t control_length(const uint8_t *at, size_t left)
{
    if (at[0] < 0x20 || at[0] == 0x7F)
        return 1;
    return at[0] == 0xC2 && left > 1 && at[1] < 0xA0 ? 2 : 0;
}

/* Second pass: a line end with the white space behind it is a fold, which is one space; so is a
 * tab; other control characters go. */
static int header_clean(const uint8_t *bytes, size_t count, struct buffer *out)
{
    for (size_t at = 0; at < count;) {
        size_t run = at;
        while (run < count && control_length(bytes + run, count - run) == 0)
            run++;
        if (run > at && text_append_fitting(out, bytes + at, run - at) < 0)
            return -1;
        at = run;
        bool space = false, line = false;
        size_t length;
        while (at < count && ((length = control_length(bytes + at, count - at)) > 0 ||
                              (line && bytes[at] == ' '))) {
            line = line || bytes[at] == '\r' || bytes[at] == '\n';
            space = space || line || bytes[at] == '\t';
            at += length > 0 ? length : 1;
        }
        bool there = out->len > 0 && out->data[out->len - 1] == ' ';
        if (space && at < count && !(line && there) && text_append_fitting(out, " ", 1) < 0)
            return -1;
    }
    return 0;
}

int header_decode_text(struct span value, struct buffer *out, struct mail_texts *problems)
{
    while (value.len > 0 && text_is_space((char)value.bytes[value.len - 1]))
        value.len--;
    while (value.len > 0 && text_is_space((char)value.bytes[0]))
        value = (struct span){value.bytes + 1, value.len - 1};
    struct word_chain chain = {0};
    AUTO_DONE(buffer) text;
    buffer_init(&text, SIZE_MAX);
    int r = header_to_utf8(cursor_over(value.bytes, value.len), &chain, &text, problems);
    charset_decoder_free(chain.decoder);
    if (r < 0)
        return -1;
    size_t from = 0;
    while (from < text.len && text_is_space(text.data[from]))
        from++;
    while (text.len > from && text_is_space(text.data[text.len - 1]))
        buffer_truncate(&text, text.len - 1);
    return text.len > from ? header_clean((const uint8_t *)text.data + from, text.len - from, out)
                           : 0;
}

char *header_take_text(struct span value, size_t max, struct mail_texts *problems)
{
    AUTO_DONE(buffer) out;
    buffer_init(&out, max);
    if (header_decode_text(value, &out, problems) < 0)
        return NULL;
    return buffer_take(&out);
}
