/* SPDX-License-Identifier: Apache-2.0 */
/* json-line.h - one JSON value, one line: valid UTF-8, no raw control character in it.
 *
 * What jansson leaves as it is and a terminal would obey (U+007F..U+009F) is written as \u00XX. */
#ifndef MAILCHUTE_HOST_JSON_LINE_H
#define MAILCHUTE_HOST_JSON_LINE_H

#include <jansson.h>

#include "buffer.h"
#include "cleanup.h"

#define AUTO_JSON __attribute__((cleanup(json_value_free_at))) json_t *
void json_value_free_at(json_t **at);

/** json_line_text - a string, null for NULL; bytes that are no UTF-8 become U+FFFD. NULL only out
 * of memory. */
json_t *json_line_text(const char *text);

/** json_line_size - a number; beyond INT64_MAX it stays there (no mail is that large). */
json_t *json_line_size(uint64_t number);

/** json_line_set - object[key] = value (given; NULL: out of memory). 0 or -1. */
int json_line_set(json_t *object, const char *key, json_t *value);

/** json_line_write_piece - of @text, @left > 0 bytes, some @most from its start as they stand
 * between the quotes that json_line_append() of json_line_text() writes; no character is divided.
 * *out_done > 0 tells how many they were. -1: full, or out of memory. */
int json_line_write_piece(struct buffer *out, const char *text, size_t left, size_t most,
                          size_t *out_done);

/** json_line_append - @value compact in one line, without the line end. -1: full, or out of
 * memory. */
int json_line_append(struct buffer *out, const json_t *value);

#endif
