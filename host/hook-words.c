/* SPDX-License-Identifier: Apache-2.0 */
/* hook-words.c - a command line into words, without a shell. See hook.h. */
#include <config.h>
#include <stdlib.h>
#include <string.h>

#include "hook.h"

/* One word from *at, written to *to; both move on. -1: a quote is not closed, or a '\' ends it. */
static int words_take(const char **at, char **to)
{
    char quote = '\0';
    for (; **at != '\0' && (quote != '\0' || **at != ' '); ++*at) {
        if (quote != '\0' && **at == quote) {
            quote = '\0';
        } else if (quote == '\0' && (**at == '\'' || **at == '"')) {
            quote = **at;
        } else if (**at == '\\' && quote != '\'') {
            if (*++*at == '\0')
                return -1;
            *(*to)++ = **at;
        } else {
            *(*to)++ = **at;
        }
    }
    *(*to)++ = '\0';
    return quote == '\0' ? 0 : -1;
}

int hook_words(const char *line, char *out_words[HOOK_WORDS_MAX + 1], char **out_memory,
               struct error *err)
{
    AUTO_TEXT memory = malloc(strlen(line) + 2);
    char *to = memory;
    size_t count = 0;
    if (memory == NULL)
        return error_oom(err, "reading a hook's command");
    for (;;) {
        while (*line == ' ')
            line++;
        if (*line == '\0')
            break;
        if (count == HOOK_WORDS_MAX)
            return error_set(err, ERROR_USAGE,
                             "a hook's command may have %u words; put the rest into "
                             "a script",
                             HOOK_WORDS_MAX);
        out_words[count++] = to;
        if (words_take(&line, &to) < 0)
            return error_set(err, ERROR_USAGE,
                             "a quote in the hook's command is not closed, or it ends "
                             "with '\\'; there is no shell behind it");
    }
    if (count == 0 || out_words[0][0] != '/')
        /* analyse: no leak, to points into memory, which cleans itself up */
        return error_set(err, ERROR_USAGE,
                         "a hook's command begins with the whole path of a program, "
                         "such as /usr/local/bin/notify; there is no shell behind it");
    out_words[count] = NULL;
    *out_memory = TAKE(memory);
    return 0;
}
