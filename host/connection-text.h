/* SPDX-License-Identifier: Apache-2.0 */
/* connection-text.h - read and change single keys of a connection string without knowing what they
 * mean: for forms and options that stand for a key.
 *
 * key=value;key=value, keys in any case; a value with ';', a quote or spaces at its ends is quoted
 * as the loaders read it. Whatever is not asked for stays as it was written. Text that cannot be
 * taken apart is left for the loader to complain of. Pure. */
#ifndef MAILCHUTE_HOST_CONNECTION_TEXT_H
#define MAILCHUTE_HOST_CONNECTION_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/** connection_get - the value of @key without its quotes: *out_value is yours (free), NULL when
 * the key is not there. */
int connection_get(const char *connection, const char *key, char **out_value, struct error *err);

/** connection_set - the string with @key set to @value in place of the old one, or appended; NULL
 * takes it out. *out_connection is yours: free(). It may be the same pointer's new value: the old
 * one is only read. */
int connection_set(const char *connection, const char *key, const char *value,
                   char **out_connection, struct error *err);

/** connection_host - the server's name in a value of the key url: "mail.example.org" of
 * "imaps://mail.example.org:993", "::1" of "[::1]" and "::1"; "" where it does not fit. */
#define CONNECTION_HOST_MAX 256u
void connection_host(const char *url, char out_host[CONNECTION_HOST_MAX]);

/** connection_same - two strings give the same keys the same values, as written, but for @count
 * keys of @free_keys, which may be as they like. False when memory runs out. */
bool connection_same(const char *a, const char *b, const char *const *free_keys, size_t count);

#endif
