/* SPDX-License-Identifier: Apache-2.0 */
/* options.h - read a command's options by a table, and print its help from the same table.
 *
 * "--name VALUE", "--name=VALUE", "-n VALUE", flags "--name" and "-n" (several: "-vv"); options and
 * arguments may mix; "--" ends the options; "-" is an argument. Of an option given twice the last
 * counts. Errors are ERROR_USAGE and name the nearest option; a value is never quoted in them,
 * since somebody may have typed a password there. Pure. */
#ifndef MAILCHUTE_HOST_OPTIONS_H
#define MAILCHUTE_HOST_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buffer.h"
#include "error.h"

#define OPTION_DURATION_MAX_MS (366ull * 86400 * 1000)

enum option_type {
    OPTION_FLAG,     /* bool *: true when given */
    OPTION_COUNT,    /* uint32_t *: how often it was given */
    OPTION_TEXT,     /* const char **: borrowed from argv */
    OPTION_NUMBER,   /* uint64_t *: 1 or more */
    OPTION_DURATION, /* uint64_t *: "5min" in milliseconds, 1 or more */
};

struct option_row {
    const char *name; /* without the dashes */
    char letter;      /* 0: none */
    enum option_type type;
    size_t offset;     /* of the field in the struct that is filled */
    const char *value; /* what stands for the value in the help, NULL for flags */
    const char *help;
};

struct option_table {
    const char *command;  /* "pickup" */
    const char *synopsis; /* "CONNECTION-STRING --user NAME [OPTION ...]" */
    const char *summary;  /* one sentence */
    const struct option_row *rows;
    size_t count;
};

/** options_read - read @argv (without the command's own name) into @out. The arguments that are no
 * options are moved to the front of @argv; *out_arguments tells how many there are. */
int options_read(const struct option_table *table, int argc, char **argv, void *out,
                 int *out_arguments, struct error *err);

/** options_append_help - usage, summary and one line per option. */
int options_append_help(struct buffer *out, const struct option_table *table);

#endif
