/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - small work on text. See text.h. */
#include <config.h>
#include "text.h"

#include <stdio.h>
#include <string.h>

#define TEXT_WORD_MAX 64 /* text_distance: longer words are not compared */

bool text_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool text_equal_nocase(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    for (; *a != '\0' && text_lower(*a) == text_lower(*b); a++, b++)
        ;
    return text_lower(*a) == text_lower(*b);
}

bool text_equal_but_numbers(const char *a, const char *b)
{
    static const char digits[] = "0123456789";
    for (;; a++, b++) {
        size_t of_a = strspn(a, digits), of_b = strspn(b, digits);
        a += of_a;
        b += of_b;
        if ((of_a == 0) != (of_b == 0) || *a != *b)
            return false;
        if (*a == '\0')
            return true;
    }
}

bool text_starts_nocase(const char *text, const char *start)
{
    for (; *start != '\0'; text++, start++)
        if (text_lower(*text) != text_lower(*start))
            return false;
    return true;
}

void text_copy(char *out, size_t size, const char *text)
{
    size_t n = strnlen(text, size);
    if (n == size) {
        n = size - 1;
        while (n > 0 && ((uint8_t)text[n] & 0xC0) == 0x80)
            n--;
    }
    memcpy(out, text, n);
    out[n] = '\0';
}

/* 1*DIGIT up to max; *text then stands behind the last digit. */
static int text_read_digits(const char **text, uint64_t max, uint64_t *out_number)
{
    const char *at = *text;
    uint64_t n = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        uint64_t digit = (uint64_t)(*at - '0');
        if (digit > max || n > (max - digit) / 10)
            return -1;
        n = n * 10 + digit;
    }
    if (at == *text)
        return -1;
    *text = at;
    *out_number = n;
    return 0;
}

uint64_t text_fingerprint(const char *text)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    if (text == NULL || text[0] == '\0')
        return 0;
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001B3);
    return hash != 0 ? hash : 1;
}

int text_to_u64(const char *text, uint64_t max, uint64_t *out_number)
{
    uint64_t n;
    if (text_read_digits(&text, max, &n) < 0 || *text != '\0')
        return -1;
    *out_number = n;
    return 0;
}

struct text_unit {
    const char *name;
    uint64_t factor;
};

/* A number and one of these units, spaces between them allowed. */
static int text_read_amount(const char *text, const struct text_unit *units, uint64_t max,
                            uint64_t *out_amount)
{
    uint64_t n;
    if (text_read_digits(&text, max, &n) < 0)
        return -1;
    while (*text == ' ')
        text++;
    for (; units->name != NULL; units++) {
        if (!text_equal_nocase(text, units->name))
            continue;
        if (n > max / units->factor)
            return -1;
        *out_amount = n * units->factor;
        return 0;
    }
    return -1;
}

int text_to_size(const char *text, uint64_t max, uint64_t *out_bytes)
{
    static const struct text_unit units[] = {
        {"", 1},           {"b", 1},          {"k", 1u << 10},  {"kb", 1u << 10}, {"m", 1u << 20},
        {"mb", 1u << 20},  {"g", 1u << 30},   {"gb", 1u << 30}, {"kib", 1u << 10},
        {"mib", 1u << 20}, {"gib", 1u << 30}, {NULL, 0}};
    return text_read_amount(text, units, max, out_bytes);
}

int text_to_duration(const char *text, uint64_t max_ms, uint64_t *out_ms)
{
    static const struct text_unit units[] = {{"", 1000},      {"ms", 1},      {"s", 1000},
                                             {"m", 60000},    {"min", 60000}, {"h", 3600000},
                                             {"d", 86400000}, {NULL, 0}};
    return text_read_amount(text, units, max_ms, out_ms);
}

int text_to_bool(const char *text, bool *out_value)
{
    static const struct {
        const char *name;
        bool value;
    } names[] = {{"true", true},   {"false", false}, {"yes", true},
                 {"no", false},    {"1", true},      {"0", false}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (text_equal_nocase(text, names[i].name)) {
            *out_value = names[i].value;
            return 0;
        }
    }
    return -1;
}

bool text_has_control(const char *text)
{
    for (; *text != '\0'; text++)
        if ((uint8_t)*text < 0x20 || *text == 0x7F)
            return true;
    return false;
}

static size_t text_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t text_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    if (n > TEXT_WORD_MAX || m > TEXT_WORD_MAX)
        return SIZE_MAX;
    size_t rows[3][TEXT_WORD_MAX + 1]; /* the last two rows and the one being made */
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = rows[i % 3], *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t change = text_lower(a[i - 1]) == text_lower(b[j - 1]) ? 0 : 1;
            now[j] = text_min(last[j - 1] + change, text_min(last[j], now[j - 1]) + 1);
            if (i > 1 && j > 1 && text_lower(a[i - 1]) == text_lower(b[j - 2]) &&
                text_lower(a[i - 2]) == text_lower(b[j - 1]))
                now[j] = text_min(now[j], before[j - 2] + 1);
        }
    }
    return rows[n % 3][m];
}

size_t text_utf8_length(const uint8_t *bytes, size_t left)
{
    if (left == 0)
        return 0;
    uint8_t first = bytes[0];
    if (first < 0x80)
        return 1;
    size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xC0) != 0x80)
            return 0;
    if ((first == 0xE0 && bytes[1] < 0xA0) || (first == 0xED && bytes[1] > 0x9F) ||
        (first == 0xF0 && bytes[1] < 0x90) || (first == 0xF4 && bytes[1] > 0x8F))
        return 0;
    return length;
}

/* How many bytes, in whole words, are ASCII. */
static size_t text_ascii_words(const uint8_t *bytes, size_t count)
{
    size_t at = 0;
    uint64_t word;
    for (; count - at >= sizeof word; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        if ((word & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    return at;
}

size_t text_ascii_run(const uint8_t *bytes, size_t count)
{
    size_t at = 0;
    uint64_t word;
    for (; count - at >= sizeof word; at += sizeof word) {
        memcpy(&word, bytes + at, sizeof word);
        uint64_t has_nul = (word - UINT64_C(0x0101010101010101)) & ~word;
        if (((word | has_nul) & UINT64_C(0x8080808080808080)) != 0)
            break;
    }
    while (at < count && bytes[at] < 0x80 && bytes[at] != '\0')
        at++;
    return at;
}

bool text_is_utf8(const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    while (count > 0) {
        size_t ascii = text_ascii_words(at, count);
        at += ascii;
        count -= ascii;
        if (count == 0)
            return true;
        size_t length = text_utf8_length(at, count);
        if (length == 0)
            return false;
        at += length;
        count -= length;
    }
    return true;
}

int text_utf8_append(struct buffer *out, uint32_t character)
{
    uint32_t c = character;
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        c = 0xFFFD;
    uint8_t bytes[4];
    size_t n = 0;
    if (c < 0x80) {
        bytes[n++] = (uint8_t)c;
    } else if (c < 0x800) {
        bytes[n++] = (uint8_t)(0xC0 | (c >> 6));
        bytes[n++] = (uint8_t)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        bytes[n++] = (uint8_t)(0xE0 | (c >> 12));
        bytes[n++] = (uint8_t)(0x80 | ((c >> 6) & 0x3F));
        bytes[n++] = (uint8_t)(0x80 | (c & 0x3F));
    } else {
        bytes[n++] = (uint8_t)(0xF0 | (c >> 18));
        bytes[n++] = (uint8_t)(0x80 | ((c >> 12) & 0x3F));
        bytes[n++] = (uint8_t)(0x80 | ((c >> 6) & 0x3F));
        bytes[n++] = (uint8_t)(0x80 | (c & 0x3F));
    }
    return buffer_append(out, bytes, n);
}

int text_append_fitting(struct buffer *out, const void *text, size_t count)
{
    if (out->refused)
        return 0;
    if (buffer_append(out, text, count) == 0)
        return 0;
    if (!out->refused)
        return -1;
    const uint8_t *bytes = text;
    size_t fits = out->limit - out->len; /* < count */
    while (fits > 0 && (bytes[fits] & 0xC0) == 0x80)
        fits--;
    return buffer_append(out, bytes, fits);
}

/* U+0000..U+001F, U+007F and U+0080..U+009F: they steer terminals. */
static bool text_is_control(const uint8_t *bytes, size_t length)
{
    return length == 0 || (length == 1 && (bytes[0] < 0x20 || bytes[0] == 0x7F)) ||
           (length == 2 && bytes[0] == 0xC2 && bytes[1] < 0xA0);
}

#define TEXT_SHOWN_MAX 17u /* bytes that a character becomes, four of them as "\\x1B", and a NUL */

/* The next character as it is shown: how many bytes that are; *out_length: how many it has. */
static size_t text_show(const uint8_t *at, size_t left, char shown[TEXT_SHOWN_MAX],
                        size_t *out_length)
{
    size_t length = text_utf8_length(at, left), n = 0;
    *out_length = length == 0 ? 1 : length;
    if (!text_is_control(at, length)) {
        memcpy(shown, at, length);
        return length;
    }
    for (size_t i = 0; i < *out_length; i++, n += 4)
        (void)snprintf(shown + n, TEXT_SHOWN_MAX - n, "\\x%02X", at[i]);
    return n;
}

int text_append_printable(struct buffer *out, const void *bytes, size_t count, size_t max)
{
    const uint8_t *at = bytes;
    size_t left = count < max ? count : max, length;
    for (; left > 0; at += length, left -= length) {
        char shown[TEXT_SHOWN_MAX];
        size_t n = text_show(at, left, shown, &length);
        if (buffer_append(out, shown, n) < 0)
            return -1;
    }
    return 0;
}

/* No memory is asked for: this is what tells that there is none. True: not all of it fits. */
static bool text_fill(char *out, size_t size, const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    size_t len = 0, length;
    if (size == 0)
        return false;
    for (; count > 0; at += length, count -= length) {
        char shown[TEXT_SHOWN_MAX];
        size_t n = text_show(at, count, shown, &length);
        if (n >= size - len)
            break;
        memcpy(out + len, shown, n);
        len += n;
    }
    out[len] = '\0';
    return count > 0 && size > 4;
}

void text_printable(char *out, size_t size, const void *bytes, size_t count)
{
    if (!text_fill(out, size, bytes, count))
        return;
    size_t len = strlen(out);
    len = len < size - 4 ? len : size - 4;
    while (len > 0 && ((uint8_t)out[len] & 0xC0) == 0x80)
        len--;
    memcpy(out + len, "...", 4);
}

void text_said(char *out, size_t size, const void *bytes, size_t count)
{
    if (!text_fill(out, size, bytes, count))
        return;
    size_t len = strlen(out);
    len = len < size - 4 ? len : size - 4;
    while (len > 0 && out[len - 1] != ' ')
        len--;
    memcpy(out + len, "...", 4);
}
