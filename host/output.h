/* SPDX-License-Identifier: Apache-2.0 */
/* output.h - standard output, where the reader may leave at any time.
 *
 * Each call writes at once. A reader that has gone (EPIPE) gives -1 with ERROR_NONE: end quietly,
 * exit code 0; a stop that output_heed() told of is ERROR_CANCELLED; every other failure is an
 * ERROR_STORE. Text is written as given: make foreign text
 * printable before. */
#ifndef MAILCHUTE_HOST_OUTPUT_H
#define MAILCHUTE_HOST_OUTPUT_H

#include <jansson.h>

#include "buffer.h"
#include "error.h"

#define OUTPUT_ENTRY_MAX (UINT64_C(512) << 20) /* bytes of one entry as JSON, escapes included */

/** output_heed - from now on look at @stopped (from the thread that writes) while the reader of a
 * pipe or a terminal makes us wait. NULL: wait as long as it takes. */
void output_heed(int (*stopped)(void *context), void *context);

int output_bytes(const struct buffer *bytes, struct error *err);
int output_text(const char *text, struct error *err);

/** output_json - @value as one line. */
int output_json(const json_t *value, struct error *err);

#endif
