/* SPDX-License-Identifier: Apache-2.0 */
/* connection-string.h - read "key=value;key=value" by a table of keys.
 *
 * Pairs are separated by ';'; the first '=' ends the key. Keys are compared without regard to ASCII
 * case, spaces around keys and values are trimmed. A value that holds ';' or a quote, or spaces at
 * its ends, stands in "..." or '...', that quote doubled inside; inner spaces and '=' need nothing.
 * An empty part between two ';' is fine. Everything else is an error (ERROR_USAGE) that names the
 * key, its position (bytes from 1) and, for an unknown key, the nearest one; an empty value is one
 * too, and so are control characters and bytes that are no UTF-8. Values of secret and of unknown
 * keys are never quoted in an error. Pure; any thread. */
#ifndef MAILCHUTE_LOADER_LIB_CONNECTION_STRING_H
#define MAILCHUTE_LOADER_LIB_CONNECTION_STRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define CONNECTION_STRING_MAX 16384u /* bytes of a connection string */
#define CONNECTION_KEYS_MAX 64u      /* rows of a table */

enum connection_type {
    CONNECTION_TEXT,     /* char **: a copy; the struct's owner frees it. With choices: one of these
                            words in any case, kept as it stands there */
    CONNECTION_NUMBER,   /* uint32_t *, min..max */
    CONNECTION_BOOLEAN,  /* bool *: True/False/Yes/No/1/0, any case */
    CONNECTION_SIZE,     /* uint64_t *: "50MB", min..max bytes */
    CONNECTION_DURATION, /* uint64_t *: "5min", min..max milliseconds */
    CONNECTION_CHOICE,   /* uint32_t *: index of the word in choices */
    CONNECTION_REFUSED   /* not here: help says where it belongs ("user", "password") */
};

/* One key. default_value is read like a value given by the user; NULL leaves the field untouched.
 */
struct connection_key {
    const char *key;
    enum connection_type type;
    size_t offset; /* of the field in the struct that is filled */
    const char *default_value;
    const char *choices; /* CHOICE, TEXT: "Auto|Required|Never" */
    uint64_t min, max;   /* NUMBER, SIZE, DURATION */
    bool required;
    bool secret;
    const char *help; /* one sentence for people, for CONNECTION_REFUSED the hint */
};

/** connection_string_read - read @text by the table @keys (@count rows) into @out_settings, which
 * the caller has zeroed; fields not named get their defaults. On failure the texts already copied
 * are freed and set to NULL. *out_given (NULL: not wanted): bit n is set when row n was named. */
int connection_string_read(const char *text, const struct connection_key *keys, size_t count,
                           void *out_settings, uint64_t *out_given, struct error *err);

/** connection_string_position - where @key stands in @text (bytes from 1), for errors found later;
 * 0 when it is not there. */
size_t connection_string_position(const char *text, const char *key);

/** connection_string_free - free and clear the text fields of a struct filled by this table. */
void connection_string_free(const struct connection_key *keys, size_t count, void *settings);

#endif
