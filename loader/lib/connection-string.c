/* SPDX-License-Identifier: Apache-2.0 */
/* connection-string.c - read "key=value;key=value". See connection-string.h. */
#include <config.h>
#include "connection-string.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "cleanup.h"
#include "cursor.h"
#include "text.h"

#define CONNECTION_QUOTED_MAX 48u /* bytes of a value, or key, that an error repeats */
#define CONNECTION_NEAR 3u        /* edits up to which a key looks like a slip of the pen, where half
                                     of it is right */

struct connection_reader {
    struct cursor at;
    const struct connection_key *keys;
    size_t count;
    uint8_t *settings;
    uint64_t given;                        /* bit n: row n was named ... */
    size_t positions[CONNECTION_KEYS_MAX]; /* ... here, bytes from 1 */
    struct buffer value;                   /* of the pair being read */
    struct error *err;
};

/* The pair being read: its key as written, and where it stands. */
struct connection_pair {
    struct span key;
    size_t position;
};

/* ---- Reading pairs --------------------------------------------------------------------------- */

static void connection_skip_spaces(struct cursor *at)
{
    while (cursor_left(at) > 0 && text_is_space((char)at->bytes[at->pos]))
        at->pos++;
}

static struct span connection_trim_end(const struct cursor *at, size_t start, size_t end)
{
    while (end > start && text_is_space((char)at->bytes[end - 1]))
        end--;
    return (struct span){at->bytes + start, end - start};
}

/* key = 1*(any byte but "=" and ";"); the cursor then stands on what ended it. */
static struct connection_pair connection_scan_key(struct cursor *at)
{
    connection_skip_spaces(at);
    size_t start = at->pos;
    while (cursor_left(at) > 0 && at->bytes[at->pos] != '=' && at->bytes[at->pos] != ';')
        at->pos++;
    return (struct connection_pair){connection_trim_end(at, start, at->pos), start + 1};
}

enum connection_scan { CONNECTION_WHOLE, CONNECTION_UNCLOSED, CONNECTION_STRAY, CONNECTION_MEMORY };

/* quoted = quote *(any byte but this quote / quote quote) quote *SP, for either kind of quote.
 * *out_stop is where it went wrong: the first quote, or what stands behind the last. */
static enum connection_scan connection_scan_quoted(struct cursor *at, struct buffer *value,
                                                   size_t *out_stop)
{
    *out_stop = at->pos;
    int quote = cursor_next(at);
    for (;;) {
        int byte = cursor_next(at);
        if (byte < 0)
            return CONNECTION_UNCLOSED;
        if (byte == quote) {
            if (cursor_peek(at) != quote)
                break;
            (void)cursor_next(at);
        }
        if (buffer_append_byte(value, (uint8_t)byte) < 0)
            return CONNECTION_MEMORY;
    }
    connection_skip_spaces(at);
    *out_stop = at->pos;
    return cursor_left(at) == 0 || cursor_peek(at) == ';' ? CONNECTION_WHOLE : CONNECTION_STRAY;
}

/* bare = *(any byte but ";" and quotes) */
static enum connection_scan connection_scan_bare(struct cursor *at, struct buffer *value,
                                                 size_t *out_stop)
{
    size_t start = at->pos;
    for (; cursor_left(at) > 0 && at->bytes[at->pos] != ';'; at->pos++) {
        *out_stop = at->pos;
        if (at->bytes[at->pos] == '"' || at->bytes[at->pos] == '\'')
            return CONNECTION_STRAY;
    }
    struct span text = connection_trim_end(at, start, at->pos);
    return buffer_append(value, text.bytes, text.len) < 0 ? CONNECTION_MEMORY : CONNECTION_WHOLE;
}

static enum connection_scan connection_scan_value(struct cursor *at, struct buffer *value,
                                                  size_t *out_stop)
{
    connection_skip_spaces(at);
    int first = cursor_peek(at);
    return first == '"' || first == '\'' ? connection_scan_quoted(at, value, out_stop)
                                         : connection_scan_bare(at, value, out_stop);
}

/* ---- Finding the row ------------------------------------------------------------------------- */

static const struct connection_key *connection_find(const struct connection_reader *r,
                                                    struct span key)
{
    for (size_t i = 0; i < r->count; i++)
        if (span_is(key, r->keys[i].key))
            return &r->keys[i];
    return NULL;
}

/* Between equals a key that may be used comes before one that is refused. */
static const struct connection_key *connection_nearest(const struct connection_reader *r,
                                                       const char *word, size_t *out_distance)
{
    const struct connection_key *best = NULL;
    *out_distance = SIZE_MAX;
    for (size_t i = 0; i < r->count; i++) {
        size_t distance = text_distance(word, r->keys[i].key);
        if (best == NULL || distance < *out_distance ||
            (distance == *out_distance && best->type == CONNECTION_REFUSED)) {
            best = &r->keys[i];
            *out_distance = distance;
        }
    }
    return best;
}

static void connection_list_keys(const struct connection_reader *r, struct buffer *out)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->keys[i].type != CONNECTION_REFUSED)
            (void)buffer_printf(out, "%s%s", out->len == 0 ? "" : ", ", r->keys[i].key);
}

static int connection_refuse(const struct connection_reader *r, const char *word,
                             const struct connection_pair *pair, const struct connection_key *row)
{
    return error_set(r->err, ERROR_USAGE, "key '%s' at position %zu does not belong here: %s", word,
                     pair->position, row->help);
}

/* What does not look like a key may be a piece of a secret that held ';' or '=': not repeated. */
static bool connection_looks_like_key(struct span key)
{
    for (size_t i = 0; i < key.len; i++) {
        char c = text_lower((char)key.bytes[i]);
        if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != ' ')
            return false;
    }
    return key.len <= CONNECTION_QUOTED_MAX;
}

static int connection_unknown(const struct connection_reader *r,
                              const struct connection_pair *pair)
{
    char word[CONNECTION_QUOTED_MAX + 1] = "";
    if (connection_looks_like_key(pair->key))
        memcpy(word, pair->key.bytes, pair->key.len); /* zeroed above: ends in NUL */
    size_t distance;
    const struct connection_key *near = connection_nearest(r, word, &distance);
    if (word[0] == '\0')
        return error_set(r->err, ERROR_USAGE,
                         "what stands before '=' at position %zu is not a key; a value that holds "
                         "';' or a quote must stand in quotes", pair->position);
    bool slip = distance <= CONNECTION_NEAR && 2 * distance <= strlen(near->key);
    if (slip && near->type == CONNECTION_REFUSED)
        return connection_refuse(r, word, pair, near);
    if (slip)
        return error_set(r->err, ERROR_USAGE,
                         "unknown key '%s' at position %zu; did you mean '%s'?", word,
                         pair->position, near->key);
    AUTO_DONE(buffer) all;
    buffer_init(&all, ERROR_TEXT_MAX);
    connection_list_keys(r, &all);
    return error_set(r->err, ERROR_USAGE, "unknown key '%s' at position %zu; the keys are %s", word,
                     pair->position, buffer_text(&all));
}

/* ---- Storing a value ------------------------------------------------------------------------- */

typedef int connection_store(const struct connection_key *row, const char *value, void *field);

/* The word of "a|b|c" that @value is, in any case; *out_index counts from 0. */
static int connection_find_choice(const char *choices, const char *value, struct span *out_word,
                                  uint32_t *out_index)
{
    struct cursor at = cursor_over(choices, strlen(choices));
    for (uint32_t index = 0;; index++) {
        size_t start = at.pos;
        while (cursor_left(&at) > 0 && cursor_peek(&at) != '|')
            at.pos++;
        struct span word = {at.bytes + start, at.pos - start};
        if (span_is(word, value)) {
            *out_word = word;
            *out_index = index;
            return 0;
        }
        if (cursor_next(&at) < 0)
            return -1;
    }
}

static int connection_store_text(const struct connection_key *row, const char *value, void *field)
{
    struct span word = {(const uint8_t *)value, strlen(value)};
    uint32_t index;
    if (row->choices != NULL && connection_find_choice(row->choices, value, &word, &index) < 0)
        return -1;
    char *copy = span_copy(word);
    memcpy(field, &copy, sizeof copy); /* NULL is told apart by the caller */
    return 0;
}

static int connection_store_number(const struct connection_key *row, const char *value, void *field)
{
    uint64_t n;
    if (text_to_u64(value, row->max, &n) < 0 || n < row->min)
        return -1;
    *(uint32_t *)field = (uint32_t)n;
    return 0;
}

static int connection_store_boolean(const struct connection_key *row, const char *value,
                                    void *field)
{
    (void)row;
    return text_to_bool(value, field);
}

static int connection_store_size(const struct connection_key *row, const char *value, void *field)
{
    uint64_t n;
    if (text_to_size(value, row->max, &n) < 0 || n < row->min)
        return -1;
    *(uint64_t *)field = n;
    return 0;
}

static int connection_store_duration(const struct connection_key *row, const char *value,
                                     void *field)
{
    uint64_t n;
    if (text_to_duration(value, row->max, &n) < 0 || n < row->min)
        return -1;
    *(uint64_t *)field = n;
    return 0;
}

static int connection_store_choice(const struct connection_key *row, const char *value, void *field)
{
    struct span word;
    return connection_find_choice(row->choices, value, &word, field);
}

/* ---- What would have been right ---------------------------------------------------------------
 */

struct connection_unit {
    uint64_t factor;
    const char *name;
};

/* "50MB", "5min": the largest unit that divides it. */
static void connection_print_amount(struct buffer *out, uint64_t n,
                                    const struct connection_unit *units)
{
    while (units->factor > 1 && (n == 0 || n % units->factor != 0))
        units++;
    (void)buffer_printf(out, "%" PRIu64 "%s", n / units->factor, units->name);
}

static void connection_expect_number(const struct connection_key *row, struct buffer *out)
{
    (void)buffer_printf(out, "a number from %" PRIu64 " to %" PRIu64, row->min, row->max);
}

static void connection_expect_boolean(const struct connection_key *row, struct buffer *out)
{
    (void)row;
    (void)buffer_append_text(out, "True or False (or Yes, No, 1, 0)");
}

static void connection_expect_size(const struct connection_key *row, struct buffer *out)
{
    static const struct connection_unit units[] = {
        {1u << 30, "GB"}, {1u << 20, "MB"}, {1u << 10, "kB"}, {1, " bytes"}};
    (void)buffer_append_text(out, "a size such as 50MB, from ");
    connection_print_amount(out, row->min, units);
    (void)buffer_append_text(out, " to ");
    connection_print_amount(out, row->max, units);
}

static void connection_expect_duration(const struct connection_key *row, struct buffer *out)
{
    static const struct connection_unit units[] = {
        {86400000, "d"}, {3600000, "h"}, {60000, "min"}, {1000, "s"}, {1, "ms"}};
    (void)buffer_append_text(out, "a time such as 90s or 5min, from ");
    connection_print_amount(out, row->min, units);
    (void)buffer_append_text(out, " to ");
    connection_print_amount(out, row->max, units);
}

static void connection_expect_choice(const struct connection_key *row, struct buffer *out)
{
    (void)buffer_append_text(out, "one of ");
    for (const char *at = row->choices; *at != '\0'; at++)
        (void)(*at == '|' ? buffer_append_text(out, ", ") : buffer_append_byte(out, (uint8_t)*at));
}

static const struct {
    connection_store *store;
    void (*expect)(const struct connection_key *row, struct buffer *out);
} connection_types[] = {
    [CONNECTION_TEXT] = {connection_store_text, connection_expect_choice},
    [CONNECTION_NUMBER] = {connection_store_number, connection_expect_number},
    [CONNECTION_BOOLEAN] = {connection_store_boolean, connection_expect_boolean},
    [CONNECTION_SIZE] = {connection_store_size, connection_expect_size},
    [CONNECTION_DURATION] = {connection_store_duration, connection_expect_duration},
    [CONNECTION_CHOICE] = {connection_store_choice, connection_expect_choice},
};

static int connection_bad_value(const struct connection_reader *r, const struct connection_key *row,
                                const char *value, size_t position)
{
    char quoted[CONNECTION_QUOTED_MAX];
    text_printable(quoted, sizeof quoted, value, strlen(value));
    AUTO_DONE(buffer) want;
    buffer_init(&want, ERROR_TEXT_MAX);
    connection_types[row->type].expect(row, &want);
    if (row->secret)
        return error_set(r->err, ERROR_USAGE, "key '%s' at position %zu wants %s", row->key,
                         position, buffer_text(&want));
    return error_set(r->err, ERROR_USAGE, "key '%s' at position %zu: '%s' is not %s", row->key,
                     position, quoted, buffer_text(&want));
}

static int connection_set_field(const struct connection_reader *r, const struct connection_key *row,
                                const char *value, size_t position)
{
    void *field = r->settings + row->offset;
    if (connection_types[row->type].store(row, value, field) < 0)
        return connection_bad_value(r, row, value, position);
    if (row->type == CONNECTION_TEXT && *(char **)field == NULL)
        return error_oom(r->err, "reading the connection string");
    return 0;
}

/* ---- One pair, all pairs ----------------------------------------------------------------------
 */

static int connection_read_value(struct connection_reader *r, const struct connection_key *row,
                                 size_t position)
{
    size_t stop = r->at.pos;
    buffer_clear(&r->value);
    switch (connection_scan_value(&r->at, &r->value, &stop)) {
    case CONNECTION_WHOLE:
        break;
    case CONNECTION_UNCLOSED:
        return error_set(r->err, ERROR_USAGE,
                         "key '%s': the quote at position %zu is not closed; add %c at the end of "
                         "the value", row->key, stop + 1, r->at.bytes[stop]);
    case CONNECTION_STRAY:
        return error_set(r->err, ERROR_USAGE,
                         "key '%s' at position %zu: unexpected text at position %zu; a value that "
                         "holds ';', a quote or spaces at its ends stands in quotes as a whole, "
                         "that quote doubled inside", row->key, position, stop + 1);
    case CONNECTION_MEMORY:
        return error_oom(r->err, "reading the connection string");
    }
    if (r->value.len == 0)
        return error_set(r->err, ERROR_USAGE,
                         "key '%s' at position %zu has no value; give one, or leave the key out",
                         row->key, position);
    if (text_has_control(buffer_text(&r->value)))
        return error_set(r->err, ERROR_USAGE,
                         "key '%s' at position %zu: the value holds a control character; remove it",
                         row->key, position);
    return 0;
}

static int connection_read_pair(struct connection_reader *r)
{
    struct connection_pair pair = connection_scan_key(&r->at);
    bool has_value = cursor_peek(&r->at) == '=';
    if (pair.key.len == 0 && !has_value)
        return 0;
    if (!has_value)
        return error_set(
            r->err, ERROR_USAGE,
            "there is no '=' in the part at position %zu; write key=value, and a value "
            "that holds ';' in quotes",
            pair.position);
    if (pair.key.len == 0)
        return error_set(r->err, ERROR_USAGE, "there is no key before '=' at position %zu",
                         pair.position);
    const struct connection_key *row = connection_find(r, pair.key);
    if (row == NULL)
        return connection_unknown(r, &pair);
    if (row->type == CONNECTION_REFUSED)
        return connection_refuse(r, row->key, &pair, row);
    size_t index = (size_t)(row - r->keys);
    if ((r->given >> index & 1) != 0)
        return error_set(r->err, ERROR_USAGE,
                         "key '%s' at position %zu was given before, at position %zu; keep one of "
                         "them", row->key, pair.position, r->positions[index]);
    (void)cursor_next(&r->at); /* the '=' */
    r->given |= (uint64_t)1 << index;
    r->positions[index] = pair.position;
    if (connection_read_value(r, row, pair.position) < 0)
        return -1;
    return connection_set_field(r, row, buffer_text(&r->value), pair.position);
}

static int connection_fill_defaults(const struct connection_reader *r)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct connection_key *row = &r->keys[i];
        if ((r->given >> i & 1) != 0)
            continue;
        if (row->required)
            return error_set(r->err, ERROR_USAGE, "key '%s' is missing; add %s=... (%s)", row->key,
                             row->key, row->help);
        if (row->default_value != NULL &&
            connection_set_field(r, row, row->default_value, 0) < 0)
            return -1;
    }
    return 0;
}

static int connection_read_all(struct connection_reader *r)
{
    if (r->at.len > CONNECTION_STRING_MAX)
        return error_set(r->err, ERROR_USAGE,
                         "the connection string has %zu bytes; at most %u can be read", r->at.len,
                         CONNECTION_STRING_MAX);
    if (!text_is_utf8(r->at.bytes, r->at.len))
        return error_set(r->err, ERROR_USAGE,
                         "the connection string is not valid UTF-8; write it in this encoding");
    do {
        if (connection_read_pair(r) < 0)
            return -1;
    } while (cursor_next(&r->at) == ';');
    return connection_fill_defaults(r);
}

int connection_string_read(const char *text, const struct connection_key *keys, size_t count,
                           void *out_settings, uint64_t *out_given, struct error *err)
{
    assert(count <= CONNECTION_KEYS_MAX);
    struct connection_reader r = {.at = cursor_over(text, strlen(text)), .keys = keys,
                                  .count = count, .settings = out_settings, .err = err};
    buffer_init(&r.value, CONNECTION_STRING_MAX);
    int result = connection_read_all(&r);
    if (r.value.data != NULL)
        explicit_bzero(r.value.data, r.value.cap); /* it may have held a secret */
    buffer_done(&r.value);
    if (result < 0)
        connection_string_free(keys, count, out_settings);
    else if (out_given != NULL)
        *out_given = r.given;
    return result;
}

size_t connection_string_position(const char *text, const char *key)
{
    struct cursor at = cursor_over(text, strlen(text));
    AUTO_DONE(buffer) value;
    buffer_init(&value, CONNECTION_STRING_MAX);
    do {
        struct connection_pair pair = connection_scan_key(&at);
        if (span_is(pair.key, key))
            return pair.position;
        size_t stop;
        buffer_clear(&value);
        if (cursor_peek(&at) == '=' &&
            (cursor_next(&at) < 0 || connection_scan_value(&at, &value, &stop) != CONNECTION_WHOLE))
            return 0;
    } while (cursor_next(&at) == ';');
    return 0;
}

void connection_string_free(const struct connection_key *keys, size_t count, void *settings)
{
    for (size_t i = 0; i < count; i++) {
        if (keys[i].type != CONNECTION_TEXT)
            continue;
        char **field = (char **)(void *)((uint8_t *)settings + keys[i].offset);
        if (*field != NULL && keys[i].secret)
            explicit_bzero(*field, strlen(*field));
        free(*field);
        *field = NULL;
    }
}
