/* SPDX-License-Identifier: Apache-2.0 */
/* oracle.h - what fuzz targets of the message side hold their modules to.
 *
 * Input comes in pieces of exact size, so that a sanitizer sees a byte too far; text is valid UTF-8
 * within its limit; work is counted in basic blocks, not timed. A broken promise aborts. */
#ifndef MAILCHUTE_TESTS_FUZZ_ORACLE_H
#define MAILCHUTE_TESTS_FUZZ_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "mail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ORACLE_LOG_MAX (256u << 20)
#define ORACLE_WORK_FIXED 300000u /* blocks that any input may cost, tables made once included */

/* Aborts and says which promise was broken, at which line. */
#define MUST(condition) ((condition) ? (void)0 : oracle_broken(#condition, __FILE__, __LINE__))
_Noreturn void oracle_broken(const char *text, const char *file, int line);

/** oracle_text - valid UTF-8 without NUL, at most @max bytes; NULL is fine. */
void oracle_text(const char *text, size_t max);
void oracle_bytes(const char *text, size_t len, size_t max);

/** oracle_line - the same, and no control character in it. */
void oracle_line(const char *text, size_t max);

/** oracle_feed - @data in pieces: @cut 0 in one, 'a' byte by byte, else of 1..64 bytes, other ones
 * for every @cut. @take returns -1 to stop; so does the function. */
typedef int (*oracle_take)(void *context, const uint8_t *bytes, size_t count);
int oracle_feed(const uint8_t *data, size_t size, uint8_t cut, oracle_take take, void *context);

/** oracle_work - basic blocks that counted modules ran so far. oracle_linear: since @before they
 * ran at most @per_byte for each byte of the input, and ORACLE_WORK_FIXED. */
uint64_t oracle_work(void);
void oracle_linear(uint64_t before, size_t size, unsigned per_byte);

/** oracle_log - one line that describes an event; bodies go in by oracle_log_bytes. */
void oracle_log(struct buffer *log, const char *fmt, ...) PRINTF_LIKE(2, 3);
void oracle_log_bytes(struct buffer *log, const void *bytes, size_t count);
void oracle_log_texts(struct buffer *log, const struct mail_texts *texts);
void oracle_same(const struct buffer *a, const struct buffer *b);

/** oracle_problems - texts fit to print, no more of them than there may be. */
void oracle_problems(const struct mail_texts *problems);

#endif
