/* SPDX-License-Identifier: Apache-2.0 */
/* imap-response-numbers.c - SEARCH and ESEARCH, number by number. See imap-response.h.
 *
 *   "* SEARCH 2 84 882 (MODSEQ 917162500)"       RFC 3501 s.7.2.5: words that are numbers count,
 *                                                what is in parentheses does not (RFC 7162 s.3.1.5)
 *   "* ESEARCH (TAG "x7") UID MIN 2 ALL 2,10:11" RFC 9051 s.7.3.4: the word behind ALL counts */
#include <config.h>
#include "imap-response-private.h"

#include <string.h>

#include "text.h"

bool imap_parser_numbers_start(struct imap_parser *parser, struct span head, size_t *out_skip)
{
    static const struct {
        const char *name;
        size_t len;
        bool esearch;
    } starts[] = {{"* SEARCH", 8, false}, {"* ESEARCH", 9, true}};
    for (size_t i = 0; i < 2; i++) {
        struct cursor c = cursor_over(head.bytes, head.len);
        if (cursor_text_nocase(&c, starts[i].name) != PARSE_OK)
            continue;
        int next = cursor_peek(&c);
        if (next != ' ' && next != '\r' && next != '\n')
            continue;
        parser->number = (struct imap_numbers){.esearch = starts[i].esearch};
        *out_skip = starts[i].len;
        return true;
    }
    return false;
}

/* A number, or the second of a range, is complete. */
static int imap_numbers_end_number(struct imap_parser *parser, struct error *err)
{
    struct imap_numbers *n = &parser->number;
    uint64_t first = n->ranged ? n->first : n->value;
    struct imap_event event = {.kind = IMAP_EVENT_SEARCH};
    if (n->digits == 0 && n->ranged)
        return imap_protocol_error(err, "a range without end in a SEARCH answer",
                                   (struct span){(const uint8_t *)":", 1});
    if (n->digits == 0)
        return 0;
    event.range.first = (uint32_t)(first < n->value ? first : n->value);
    event.range.last = (uint32_t)(first < n->value ? n->value : first);
    n->digits = 0;
    n->value = 0;
    n->ranged = false;
    if (event.range.first == 0)
        return imap_protocol_error(err, "message number 0 in a SEARCH answer",
                                   (struct span){(const uint8_t *)"0", 1});
    return imap_parser_emit(parser, &event, err);
}

static int imap_numbers_end_word(struct imap_parser *parser, struct error *err)
{
    struct imap_numbers *n = &parser->number;
    if (n->word_len == 0)
        return 0;
    if (!n->skip && imap_numbers_end_number(parser, err) < 0)
        return -1;
    n->all = n->word_len == 3 && span_is((struct span){(const uint8_t *)n->word, 3}, "ALL");
    n->word_len = 0;
    n->digits = 0;
    n->value = 0;
    n->ranged = false;
    n->skip = n->aside = false;
    return 0;
}

static int imap_numbers_digit(struct imap_numbers *n, uint8_t byte, struct error *err)
{
    n->value = n->value * 10 + (uint64_t)(byte - '0');
    if (++n->digits <= 10 && n->value <= UINT32_MAX)
        return 0;
    return imap_protocol_error(err, "a message number above 32 bits in a SEARCH answer",
                               (struct span){&byte, 1});
}

static int imap_numbers_byte(struct imap_parser *parser, uint8_t byte, struct error *err)
{
    struct imap_numbers *n = &parser->number;
    if (n->word_len == 0) { /* only this word's first byte tells whether it counts */
        n->skip = byte < '0' || byte > '9' || (n->esearch && !n->all);
        n->aside = byte == '(';
    }
    n->aside = n->aside && byte != ')';
    if (n->word_len < sizeof n->word)
        n->word[n->word_len++] = (char)byte;
    if (n->skip)
        return 0;
    if (byte >= '0' && byte <= '9')
        return imap_numbers_digit(n, byte, err);
    if (byte == ',')
        return imap_numbers_end_number(parser, err);
    if (byte == ':' && n->digits > 0 && !n->ranged) {
        n->first = n->value;
        n->value = 0;
        n->digits = 0;
        n->ranged = true;
        return 0;
    }
    return imap_protocol_error(err, "a SEARCH answer that is no list of numbers",
                               (struct span){&byte, 1});
}

int imap_parser_numbers(struct imap_parser *parser, struct cursor *in, struct error *err)
{
    int byte;
    while ((byte = cursor_next(in)) >= 0) {
        if (byte != '\n' && (parser->number.aside || (byte != ' ' && byte != '\r'))) {
            if (imap_numbers_byte(parser, (uint8_t)byte, err) < 0)
                return -1;
            continue;
        }
        if (imap_numbers_end_word(parser, err) < 0)
            return -1;
        if (byte == '\n') {
            parser->state = IMAP_PARSER_LINE;
            return 0;
        }
    }
    return 0;
}
