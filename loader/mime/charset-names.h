/* SPDX-License-Identifier: Apache-2.0 */
/* charset-names.h - which charset a label means. The only names that iconv ever gets are those in
 * this table. */
#ifndef MAILCHUTE_MIME_CHARSET_NAMES_H
#define MAILCHUTE_MIME_CHARSET_NAMES_H

#include <stddef.h>

#define CHARSET_NAME_MAX 48      /* bytes of a label without its punctuation, NUL included */
#define CHARSET_GUESS ""         /* the label says nothing: look at the bytes */
#define CHARSET_JP "ISO-2022-JP" /* ours to unfold: see charset-shift.h */
#define CHARSET_HZ "HZ"          /* likewise */

/** charset_name - the name iconv knows this label's charset by; CHARSET_GUESS for NULL, us-ascii,
 * "unknown-8bit" and their kin; NULL when nobody knows the label. Static. */
const char *charset_name(const char *label);

/* The table itself, for the tests. */
size_t charset_alias_count(void);
const char *charset_alias_at(size_t index);

#endif
