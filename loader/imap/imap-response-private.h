/* SPDX-License-Identifier: Apache-2.0 */
/* imap-response-private.h - what the files of the response parser share; nobody else includes it.
 *
 *   imap-response.c          lines and literals: which file a line goes to
 *   imap-response-data.c     a whole line of data or status
 *   imap-response-fetch.c    FETCH, between its literals
 *   imap-response-numbers.c  SEARCH and ESEARCH, number by number */
#ifndef MAILCHUTE_LOADER_IMAP_RESPONSE_PRIVATE_H
#define MAILCHUTE_LOADER_IMAP_RESPONSE_PRIVATE_H

#include "buffer.h"
#include "imap-response.h"

/*   LINE ──"{n}" in a FETCH──> LITERAL ──> LINE        (the literal is handed through)
 *   LINE ──"{n}" elsewhere───> INLINE ───> LINE        (it becomes part of the line held)
 *   LINE ──"* SEARCH"────────> NUMBERS ──> LINE */
enum imap_parser_state {
    IMAP_PARSER_LINE,
    IMAP_PARSER_LITERAL,
    IMAP_PARSER_INLINE,
    IMAP_PARSER_NUMBERS
};

enum imap_item {
    IMAP_ITEM_NONE,
    IMAP_ITEM_UID,
    IMAP_ITEM_SIZE,
    IMAP_ITEM_FLAGS,
    IMAP_ITEM_DATE,
    IMAP_ITEM_WHOLE,
    IMAP_ITEM_HEADER,
    IMAP_ITEM_SECTION,
    IMAP_ITEM_OTHER
};

struct imap_parser {
    imap_event_function *function;
    void *context;
    enum imap_parser_state state;
    struct buffer line;                  /* a line that is not complete yet */
    size_t literal_end;                  /* of the last literal held in line; 0: none is */
    uint64_t literal_left;               /* LITERAL, INLINE: bytes to come */
    uint64_t untagged, numbers, skipped; /* bytes counted against their limits */
    bool first_line;                     /* nothing was read yet, and leniency is wanted */

    /* FETCH: */
    bool in_fetch;
    bool body_wanted; /* the literal belongs to a body, not to an item of no use */
    uint32_t fetch_number;
    unsigned int depth;  /* open parentheses of an item of no use */
    enum imap_item item; /* whose value is awaited */
    struct imap_fetch fetch;

    /* NUMBERS: */
    struct imap_numbers {
        bool esearch, all, skip;
        bool aside;  /* in parentheses, whose spaces end no word */
        bool ranged; /* behind ':' */
        unsigned int digits;
        uint64_t first, value;
        unsigned int word_len;
        char word[4]; /* start of the word before, to find "ALL" */
    } number;
};

int imap_protocol_error(struct error *err, const char *what, struct span at);

/** imap_parser_emit - hand an event on. */
int imap_parser_emit(struct imap_parser *parser, const struct imap_event *event, struct error *err);

/* nz-number and number of 32 bits, at the end of the bytes too. */
enum parse imap_parse_u32(struct cursor *c, uint32_t *out_number);
enum parse imap_parse_u64(struct cursor *c, uint64_t *out_number);

/** imap_parse_atom - bytes up to a space, parenthesis or the end; may be empty. */
struct span imap_parse_atom(struct cursor *c);

/** imap_parse_quoted - quoted string, unescaped into @scratch (cleared first), which has room for
 * what is left in @c: else that it is bad may mean that memory ran out. */
enum parse imap_parse_quoted(struct cursor *c, struct buffer *scratch);

/** imap_parse_announced - "{n}", "{n+}" or "~{n}" that ends the line. */
enum parse imap_parse_announced(struct cursor *c, uint64_t *out_size);

/** imap_parser_data - a whole line with its literals inside, not FETCH or SEARCH. */
int imap_parser_data(struct imap_parser *parser, struct span line, struct error *err);

/** imap_parser_is_text - status, tagged or continuation: its end is free text, no literal. */
bool imap_parser_is_text(struct span line);

/** imap_parser_fetch - the next piece of a FETCH response, up to its end or to a literal. */
int imap_parser_fetch(struct imap_parser *parser, struct span piece, struct error *err);
int imap_parser_fetch_literal_end(struct imap_parser *parser, struct error *err);

/** imap_parser_numbers_start - is this the start of a SEARCH or ESEARCH response? Then *out_skip
 * bytes of it are its name. */
bool imap_parser_numbers_start(struct imap_parser *parser, struct span head, size_t *out_skip);
int imap_parser_numbers(struct imap_parser *parser, struct cursor *in, struct error *err);

#endif
