/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - one rule over header fields, "Header:/regex/": which mail to take, or to leave in
 * place, or makes work.
 *
 * By PCRE2 with its JIT, match, depth and heap limits: no expression and no mail can stall a
 * pick-up. A field matches when the expression is found in its decoded value (UTF-8); of several
 * fields of one name any may match. The header name "*" looks at every field. Flag i behind the
 * last slash ignores case. The one door to PCRE2. A filter is read only once made: any thread. */
#ifndef MAILCHUTE_LIB_FILTER_H
#define MAILCHUTE_LIB_FILTER_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "error.h"

#define FILTER_MATCH_LIMIT 100000u  /* PCRE2 match limit for one field */
#define FILTER_DEPTH_LIMIT 1000u    /* PCRE2 depth limit */
#define FILTER_HEAP_LIMIT_KB 1024u  /* PCRE2 heap limit */
#define FILTER_SUBJECT_MAX 65536u   /* bytes of a field that are looked at */

struct filter;

/** filter_new - read @rule. *out_filter is yours: filter_free(). ERROR_USAGE names the place in the
 * expression and what PCRE2 says of it. */
int filter_new(const char *rule, struct filter **out_filter, struct error *err);
void filter_free(struct filter *filter);
AUTO_DEFINE(filter, filter_free);

/** filter_header - the header name it looks at, "*" for all. Borrowed. */
const char *filter_header(const struct filter *filter);

enum filter_result {
    FILTER_NO,
    FILTER_YES,
    FILTER_LIMIT /* a limit was hit: undecided; the caller treats it as no match and says so */
};

/** filter_match - does the value of field @name match? Text is borrowed; need not be valid UTF-8.
 */
enum filter_result filter_match(const struct filter *filter, const char *name, const char *value,
                                size_t value_size);

#endif
