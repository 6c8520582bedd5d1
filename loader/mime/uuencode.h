/* SPDX-License-Identifier: Apache-2.0 */
/* uuencode.h - files inside plain text: "begin 644 name" ... "end" (POSIX uuencode) and yEnc 1.3.
 *
 * A filter over the bytes of a text part before its character set is undone: text outside goes to
 * one door, the bytes of each file to another. Push interface, every split gives the same result;
 * memory is a line of UUENCODE_LINE_MAX bytes, time is linear, nothing is an error.
 *
 * Prose may say "begin 644 x": a begin line counts only when a line that can be uuencoded (its
 * first character tells a length that the line has, within what mailers cut or add) or the end
 * follows; else all of it stays text. Inside, missing "end", spaces for backticks, trailing spaces
 * cut off and wrong lengths are read; the first line that cannot be data ends the file and is text.
 * A line of which only its length is left stands for up to 63 zero bytes: a file has at most 32
 * times the size of its lines.
 */
#ifndef MAILCHUTE_MIME_UUENCODE_H
#define MAILCHUTE_MIME_UUENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cleanup.h"
#include "cursor.h"

#define UUENCODE_LINE_MAX 1024u /* bytes of a begin or data line; a longer line is text */

/* Each returns -1 to stop. */
struct uuencode_sink {
    int (*text)(void *context, const uint8_t *bytes, size_t count);  /* line ends as they came */
    int (*begin)(void *context, struct span name); /* raw, 1.. bytes, any charset */
    int (*bytes)(void *context, const uint8_t *bytes, size_t count); /* decoded */
    int (*end)(void *context, bool whole); /* false: no end line, or sizes that do not agree */
    void *context;
};

struct uuencode_filter;

/** uuencode_filter_new - a filter for one text; @sink is copied. Yours: uuencode_filter_free().
 * NULL only out of memory. */
struct uuencode_filter *uuencode_filter_new(const struct uuencode_sink *sink);
void uuencode_filter_free(struct uuencode_filter *f);
AUTO_DEFINE(uuencode_filter, uuencode_filter_free);

/** uuencode_filter_feed - the next bytes. -1 only when the sink said so. */
int uuencode_filter_feed(struct uuencode_filter *f, const uint8_t *bytes, size_t count);

/** uuencode_filter_finish - no more will come: what is held comes out, a file under way ends. */
int uuencode_filter_finish(struct uuencode_filter *f);

#endif
