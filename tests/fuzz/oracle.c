/* SPDX-License-Identifier: Apache-2.0 */
/* oracle.c - see oracle.h. */
#include <config.h>
#include "oracle.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "problem.h"
#include "text.h"

static uint64_t blocks;

/* Called by every basic block of modules that were built with -fsanitize-coverage=trace-pc.
 * libFuzzer brings one of its own, hence the wrapping (-Wl,--wrap). */
void __wrap___sanitizer_cov_trace_pc(void);
void __wrap___sanitizer_cov_trace_pc(void)
{
    blocks++;
}

uint64_t oracle_work(void)
{
    return blocks;
}

_Noreturn void oracle_broken(const char *text, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, text);
    abort();
}

void oracle_linear(uint64_t before, size_t size, unsigned per_byte)
{
    uint64_t done = blocks - before;
    if (done > ORACLE_WORK_FIXED + (uint64_t)size * per_byte)
        fprintf(stderr, "%ju blocks for %zu bytes\n", (uintmax_t)done, size);
    MUST(done <= ORACLE_WORK_FIXED + (uint64_t)size * per_byte);
}

void oracle_bytes(const char *text, size_t len, size_t max)
{
    MUST(len <= max);
    MUST(len == 0 || (text_is_utf8(text, len) && memchr(text, '\0', len) == NULL));
}

void oracle_text(const char *text, size_t max)
{
    if (text != NULL)
        oracle_bytes(text, strlen(text), max);
}

void oracle_line(const char *text, size_t max)
{
    oracle_text(text, max);
    MUST(text == NULL || !text_has_control(text));
}

/* 1..64, another length each time. */
static size_t next_piece(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return 1 + (*state >> 24) % 64;
}

int oracle_feed(const uint8_t *data, size_t size, uint8_t cut, oracle_take take, void *context)
{
    uint32_t state = cut;
    for (size_t at = 0; at < size;) {
        size_t piece = cut == 0 ? size : cut == 'a' ? 1 : next_piece(&state);
        piece = piece < size - at ? piece : size - at;
        uint8_t *exact = malloc(piece);
        MUST(exact != NULL);
        memcpy(exact, data + at, piece);
        int result = take(context, exact, piece);
        free(exact);
        if (result < 0)
            return -1;
        at += piece;
    }
    return 0;
}

void oracle_log_bytes(struct buffer *log, const void *bytes, size_t count)
{
    MUST(count == 0 || buffer_append(log, bytes, count) == 0);
}

void oracle_log(struct buffer *log, const char *fmt, ...)
{
    char *line = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&line, fmt, args);
    va_end(args);
    MUST(len >= 0);
    oracle_log_bytes(log, "\n", 1);
    oracle_log_bytes(log, line, (size_t)len);
    free(line);
}

void oracle_log_texts(struct buffer *log, const struct mail_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        oracle_log(log, "%s", texts->items[i]);
}

void oracle_same(const struct buffer *a, const struct buffer *b)
{
    bool same = a->len == b->len && memcmp(buffer_text(a), buffer_text(b), a->len) == 0;
    if (!same)
        fprintf(stderr, "---- whole:%.4000s\n---- in pieces:%.4000s\n", buffer_text(a),
                buffer_text(b));
    MUST(same);
}

void oracle_problems(const struct mail_texts *problems)
{
    MUST(problems->count <= MAIL_PROBLEMS_MAX + 1);
    for (size_t i = 0; i < problems->count; i++)
        oracle_line(problems->items[i], PROBLEM_TEXT_MAX);
}
