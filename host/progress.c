/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - how far a pick-up has come, in one line. See progress.h. */
#include <config.h>
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "amount.h"
#include "terminal.h"

#define PROGRESS_LINE_MAX 1024u
#define PROGRESS_BAR_MAX 40u
#define PROGRESS_BAR_MIN 8u
#define PROGRESS_RATE_MS 500u /* no rate is told before */

void progress_init(struct progress *progress, const struct clock *clock, int fd)
{
    *progress = (struct progress){.clock = clock, .fd = fd >= 0 && terminal_is(fd) ? fd : -1};
    progress->started_ms = clock_monotonic_ms(clock);
}

static void progress_append_bar(struct buffer *out, const struct progress *p, size_t columns)
{
    uint64_t done = p->done < p->total ? p->done : p->total;
    size_t full = (size_t)(done * columns / p->total);
    buffer_append_byte(out, '[');
    for (size_t i = 0; i < columns; i++)
        buffer_append_byte(out, i < full ? '#' : '.');
    buffer_append_text(out, "] ");
}

/* "512 of 1,000 (12.3 MB), 204/s, 2 s left" */
static int progress_append_numbers(struct buffer *out, const struct progress *p, uint64_t now_ms)
{
    int bad = amount_append_count(out, p->done);
    if (p->total > 0)
        bad |= buffer_append_text(out, " of ") | amount_append_count(out, p->total);
    bad |= buffer_append_text(out, " (") | amount_append_size(out, p->bytes) |
           buffer_append_text(out, ")");
    uint64_t spent_ms = now_ms - p->started_ms;
    if (spent_ms < PROGRESS_RATE_MS || p->done == 0)
        return bad;
    bad |= buffer_append_text(out, ", ") |
           amount_append_count(out, p->done * 1000 / spent_ms) | buffer_append_text(out, "/s");
    if (p->total > p->done)
        bad |= buffer_append_text(out, ", ") |
               amount_append_time(out, (p->total - p->done) * spent_ms / p->done) |
               buffer_append_text(out, " left");
    return bad;
}

int progress_append(struct buffer *out, const struct progress *progress, uint64_t now_ms,
                    size_t columns)
{
    struct buffer numbers;
    buffer_init(&numbers, PROGRESS_LINE_MAX);
    int bad = progress_append_numbers(&numbers, progress, now_ms);
    size_t room = columns > numbers.len + 4 ? columns - numbers.len - 4 : 0;
    if (progress->total > 0 && room >= PROGRESS_BAR_MIN)
        progress_append_bar(out, progress, room < PROGRESS_BAR_MAX ? room : PROGRESS_BAR_MAX);
    size_t fits = numbers.len < columns ? numbers.len : columns > 0 ? columns - 1 : 0;
    bad |= buffer_append(out, buffer_text(&numbers), fits);
    buffer_done(&numbers);
    return bad < 0 ? -1 : 0;
}

static void progress_write(const struct progress *progress, const struct buffer *line)
{
    ssize_t written = write(progress->fd, buffer_text(line), line->len);
    (void)written; /* a decoration */
}

static void progress_draw(struct progress *progress)
{
    uint64_t now = clock_monotonic_ms(progress->clock);
    if (progress->fd < 0 || (progress->shown && now - progress->drawn_ms < PROGRESS_REDRAW_MS))
        return;
    struct buffer line;
    buffer_init(&line, PROGRESS_LINE_MAX);
    if (buffer_append_text(&line, "\r") == 0 &&
        progress_append(&line, progress, now, terminal_width(progress->fd)) == 0 &&
        buffer_append_text(&line, "\033[K") == 0)
        progress_write(progress, &line);
    buffer_done(&line);
    progress->drawn_ms = now;
    progress->shown = true;
}

void progress_total(struct progress *progress, uint64_t total)
{
    progress->total = total;
    progress_draw(progress);
}

void progress_done(struct progress *progress, uint64_t done, uint64_t bytes)
{
    progress->done = done;
    progress->bytes = bytes;
    progress_draw(progress);
}

void progress_hide(struct progress *progress)
{
    if (progress->fd < 0 || !progress->shown)
        return;
    static const char clear[] = "\r\033[K";
    ssize_t written = write(progress->fd, clear, sizeof clear - 1);
    (void)written;
    progress->shown = false;
}
