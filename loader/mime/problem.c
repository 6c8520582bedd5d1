/* SPDX-License-Identifier: Apache-2.0 */
/* problem.c - lists of texts. See problem.h. */
#include <config.h>
#include "problem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

int mail_texts_add(struct mail_texts *texts, const char *text)
{
    size_t count = texts->count;
    if ((count & (count - 1)) == 0) { /* 0, 1, 2, 4, 8 ...: the room is full */
        char **items = reallocarray(texts->items, count == 0 ? 1 : count * 2, sizeof *items);
        if (items == NULL)
            return -1;
        texts->items = items;
    }
    char *copy = strdup(text);
    if (copy == NULL)
        return -1;
    texts->items[texts->count++] = copy; /* analyse: no leak, texts keep it */
    return 0;
}

void mail_texts_done(struct mail_texts *texts)
{
    for (size_t i = 0; i < texts->count; i++)
        free(texts->items[i]);
    free(texts->items);
    *texts = (struct mail_texts){0};
}

static bool problem_known(const struct mail_texts *problems, const char *text)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strcmp(problems->items[i], text) == 0)
            return true;
    return false;
}

int problem_add(struct mail_texts *problems, const char *fmt, ...)
{
    if (problems == NULL || problems->count > MAIL_PROBLEMS_MAX)
        return 0;
    char raw[PROBLEM_TEXT_MAX], text[PROBLEM_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    int length = vsnprintf(raw, sizeof raw, fmt, args);
    va_end(args);
    if (length < 0)
        return 0;
    text_printable(text, sizeof text, raw, strlen(raw));
    if (problem_known(problems, text))
        return 0;
    if (problems->count == MAIL_PROBLEMS_MAX)
        text_copy(text, sizeof text, "more problems: not listed");
    return mail_texts_add(problems, text);
}
