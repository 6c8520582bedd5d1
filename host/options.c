/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - read a command's options by a table. See options.h. */
#include <config.h>
#include "options.h"

#include <stdio.h>
#include <string.h>

#include "suggest.h"
#include "text.h"

/* What is being read: argv from at on; arguments found so far stand in front. */
struct options_reader {
    const struct option_table *table;
    int argc;
    char **argv;
    int at, arguments;
    void *out;
    struct error *err;
};

static int options_bad_value(const struct options_reader *r, const struct option_row *row,
                             const char *wanted)
{
    return error_set(r->err, ERROR_USAGE, "%s: option --%s: the value is not %s; see mailchute %s "
                     "--help", r->table->command, row->name, wanted, r->table->command);
}

static int options_set(const struct options_reader *r, const struct option_row *row,
                       const char *value)
{
    void *field = (char *)r->out + row->offset;
    switch (row->type) {
    case OPTION_FLAG:
        *(bool *)field = true;
        return 0;
    case OPTION_COUNT:
        *(uint32_t *)field += 1;
        return 0;
    case OPTION_TEXT:
        *(const char **)field = value;
        return 0;
    case OPTION_NUMBER:
        if (text_to_u64(value, INT64_MAX, field) < 0 || *(uint64_t *)field == 0)
            return options_bad_value(r, row, "a number from 1");
        return 0;
    case OPTION_DURATION:
        if (text_to_duration(value, OPTION_DURATION_MAX_MS, field) < 0 || *(uint64_t *)field == 0)
            return options_bad_value(r, row, "a time such as 90s, 5min or 2h");
        return 0;
    }
    return options_bad_value(r, row, "of a known type");
}

static bool option_takes_value(const struct option_row *row)
{
    return row->type != OPTION_FLAG && row->type != OPTION_COUNT;
}

/* The next of argv is the value. */
static int options_set_from_next(struct options_reader *r, const struct option_row *row)
{
    if (r->at >= r->argc)
        return error_set(r->err, ERROR_USAGE, "%s: option --%s needs a value; write --%s %s",
                         r->table->command, row->name, row->name, row->value);
    return options_set(r, row, r->argv[r->at++]);
}

static int options_unknown(const struct options_reader *r, const char *word, size_t length)
{
    char name[64];
    text_printable(name, sizeof name, word, length);
    struct suggest suggest;
    suggest_start(&suggest, name);
    for (size_t i = 0; i < r->table->count; i++)
        suggest_offer(&suggest, r->table->rows[i].name);
    const char *near = suggest_best(&suggest);
    if (near != NULL)
        return error_set(r->err, ERROR_USAGE, "%s: there is no option '--%s'; did you mean --%s?",
                         r->table->command, name, near);
    return error_set(r->err, ERROR_USAGE, "%s: there is no option '--%s'; see mailchute %s --help",
                     r->table->command, name, r->table->command);
}

/* @word stands behind "--". */
static int options_read_long(struct options_reader *r, const char *word)
{
    size_t length = strcspn(word, "=");
    const char *value = word[length] == '=' ? word + length + 1 : NULL;
    for (size_t i = 0; i < r->table->count; i++) {
        const struct option_row *row = &r->table->rows[i];
        if (strlen(row->name) != length || strncmp(row->name, word, length) != 0)
            continue;
        if (!option_takes_value(row) && value != NULL)
            return error_set(r->err, ERROR_USAGE, "%s: option --%s takes no value; leave it away",
                             r->table->command, row->name);
        if (!option_takes_value(row) || value != NULL)
            return options_set(r, row, value);
        return options_set_from_next(r, row);
    }
    return options_unknown(r, word, length);
}

/* @letters stand behind "-": flags, the last one may take the rest or the next of argv as value. */
static int options_read_short(struct options_reader *r, const char *letters)
{
    for (; *letters != '\0'; letters++) {
        const struct option_row *row = NULL;
        for (size_t i = 0; i < r->table->count; i++)
            if (r->table->rows[i].letter == *letters)
                row = &r->table->rows[i];
        if (row == NULL) {
            char shown[8];
            text_printable(shown, sizeof shown, letters, 1);
            return error_set(r->err, ERROR_USAGE, "%s: there is no option '-%s'; see mailchute %s "
                             "--help", r->table->command, shown, r->table->command);
        }
        if (option_takes_value(row))
            return letters[1] != '\0' ? options_set(r, row, letters + 1)
                                      : options_set_from_next(r, row);
        if (options_set(r, row, NULL) < 0)
            return -1;
    }
    return 0;
}

int options_read(const struct option_table *table, int argc, char **argv, void *out,
                 int *out_arguments, struct error *err)
{
    struct options_reader r = {table, argc, argv, 0, 0, out, err};
    bool only_arguments = false;
    while (r.at < argc) {
        char *word = argv[r.at++];
        if (only_arguments || word[0] != '-' || word[1] == '\0') {
            argv[r.arguments++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            only_arguments = true;
            continue;
        }
        int bad =
            word[1] == '-' ? options_read_long(&r, word + 2) : options_read_short(&r, word + 1);
        if (bad < 0)
            return -1;
    }
    *out_arguments = r.arguments;
    return 0;
}

int options_append_help(struct buffer *out, const struct option_table *table)
{
    int bad = buffer_printf(out, "usage: mailchute %s %s\n\n%s\n\n", table->command,
                            table->synopsis, table->summary);
    for (size_t i = 0; i < table->count; i++) {
        const struct option_row *row = &table->rows[i];
        char left[64], letter[8] = "   ";
        (void)snprintf(left, sizeof left, "--%s%s%s", row->name, row->value == NULL ? "" : " ",
                 row->value == NULL ? "" : row->value);
        if (row->letter != 0)
            (void)snprintf(letter, sizeof letter, "-%c,", row->letter);
        bad |= buffer_printf(out, "  %s %-24s %s\n", letter, left, row->help);
    }
    return bad;
}
