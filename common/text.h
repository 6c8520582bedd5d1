/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - small work on text that ends in NUL: numbers, sizes, times, UTF-8, comparing.
 *
 * No locale is ever asked: ASCII rules, UTF-8 text. Nothing allocates unless it says so. */
#ifndef MAILCHUTE_COMMON_TEXT_H
#define MAILCHUTE_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"

static inline char text_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}
static inline bool text_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool text_equal(const char *a, const char *b);        /* NULL equals NULL alone */
bool text_equal_nocase(const char *a, const char *b); /* ASCII case ignored */
bool text_equal_but_numbers(const char *a, const char *b); /* runs of digits are one as another */
bool text_starts_nocase(const char *text, const char *start);

/** text_copy - copy @text into @out of @size bytes, cut at a character. Always ends in NUL. */
void text_copy(char *out, size_t size, const char *text);

/** text_fingerprint - 64 bits that are the same for the same text (FNV-1a), never 0; 0 for NULL and
 * "". To find what may be equal, not to prove it: anybody can make two texts that share them. */
uint64_t text_fingerprint(const char *text);

/** text_to_u64 - digits alone, 0..@max; -1 for anything else. */
int text_to_u64(const char *text, uint64_t max, uint64_t *out_number);

/** text_to_size - "123", "64kB", "50MB", "1 GB" (powers of 1024, any case, the B may be missing)
 * in bytes, at most @max; -1 for anything else. */
int text_to_size(const char *text, uint64_t max, uint64_t *out_bytes);

/** text_to_duration - "90" (seconds), "500ms", "60s", "5min" or "5m", "2h", "1d" in milliseconds,
 * at most @max_ms; -1 for anything else. */
int text_to_duration(const char *text, uint64_t max_ms, uint64_t *out_ms);

/** text_to_bool - True/False/Yes/No/1/0 in any case; -1 for anything else. */
int text_to_bool(const char *text, bool *out_value);

/** text_has_control - a byte below 0x20 or 0x7F is in it. */
bool text_has_control(const char *text);

/** text_distance - how many single-character edits lie between two words (case ignored), words
 * above 64 bytes count as far apart (SIZE_MAX). Restricted Damerau-Levenshtein. */
size_t text_distance(const char *a, const char *b);

/** text_utf8_length - bytes of the valid UTF-8 character at @bytes (1..4; RFC 3629: no surrogates,
 * no overlong forms, <= U+10FFFF), 0 when it is not one, or is cut off by @left. */
size_t text_utf8_length(const uint8_t *bytes, size_t left);
bool text_is_utf8(const void *bytes, size_t count);

/** text_ascii_run - how many bytes from here on are ASCII, and not NUL. */
size_t text_ascii_run(const uint8_t *bytes, size_t count);

/** text_utf8_append - one character (U+0000..U+10FFFF; surrogates become U+FFFD) as UTF-8. */
int text_utf8_append(struct buffer *out, uint32_t character);

/** text_append_fitting - append as much of @text (UTF-8) as fits, cut at a character; once the
 * buffer has refused anything, nothing more comes, so that it holds a beginning of the whole. Full
 * is no failure (buffer_is_full() tells): -1 only out of memory. */
int text_append_fitting(struct buffer *out, const void *text, size_t count);

/** text_append_printable - append @text fit for a terminal, a log line or an error text: control
 * characters (C0, DEL, C1) and bytes that are no UTF-8 as \xNN, at most @max bytes of input. */
int text_append_printable(struct buffer *out, const void *bytes, size_t count, size_t max);

/** text_printable - the same into @out of @size bytes, cut with "..." where it does not fit. */
void text_printable(char *out, size_t size, const void *bytes, size_t count);

/** text_said - the same of what a server says, cut behind a blank, so that no word of it is shown in
 * part: it may say a password back, which is taken out of texts only where it is whole. Of one with
 * blanks its first words may stay. */
void text_said(char *out, size_t size, const void *bytes, size_t count);

#endif
