/* SPDX-License-Identifier: Apache-2.0 */
/* amount.h - numbers, sizes and times as people read them: "1,000", "12.3 MB", "0.9 s", "3 min".
 * 1 kB is 1024 bytes, as in the connection string. Each appends, 0 or -1 (buffer full). Pure. */
#ifndef MAILCHUTE_HOST_AMOUNT_H
#define MAILCHUTE_HOST_AMOUNT_H

#include <stdint.h>

#include "buffer.h"

int amount_append_count(struct buffer *out, uint64_t count);
int amount_append_size(struct buffer *out, uint64_t bytes);
int amount_append_time(struct buffer *out, uint64_t ms);

#endif
