/* SPDX-License-Identifier: Apache-2.0 */
/* mail-flow.c - see mail-flow.h. */
#include <config.h>
#include "mail-flow.h"

#include <string.h>

#include "text.h"

enum mail_flow mail_flow_named(const char *format, const char *delsp)
{
    if (format == NULL || !text_equal_nocase(format, "flowed"))
        return MAIL_FLOW_NONE;
    return delsp != NULL && text_equal_nocase(delsp, "yes") ? MAIL_FLOW_DELSP : MAIL_FLOW_SPACE;
}

/* The line goes on in the next one (s.4.1, s.4.2, s.4.3). */
static bool is_flowed(const char *line, size_t len)
{
    return len > 0 && line[len - 1] == ' ' && line[0] != '>' &&
           !(len == 3 && memcmp(line, "-- ", 3) == 0);
}

size_t mail_flow_join(enum mail_flow flow, char *text, size_t len, struct text_walk *walk)
{
    size_t to = 0;
    for (size_t at = 0, end; flow != MAIL_FLOW_NONE && at < len; at = end) {
        const char *lf = text_walk_find(walk, text + at, text + len, '\n');
        size_t stop = lf != NULL ? (size_t)(lf - text) : len;
        end = lf != NULL ? stop + 1 : len;
        if (text[at] == ' ') /* s.4.4: stuffed */
            at++;
        bool joins = is_flowed(text + at, stop - at) && end < len && text[end] != '>' &&
                     !(len - end >= 3 && memcmp(text + end, "-- ", 3) == 0);
        size_t keep = stop - at - (joins && flow == MAIL_FLOW_DELSP ? 1 : 0);
        text_walk_move(walk, text + to, text + at, keep);
        to += keep;
        if (!joins && lf != NULL)
            text[to++] = '\n';
    }
    return flow != MAIL_FLOW_NONE ? to : len;
}
