/* SPDX-License-Identifier: Apache-2.0 */
/* imap-rules.h - accept and skip: which mail to take by its header, before its body is fetched. */
#ifndef MAILCHUTE_LOADER_IMAP_RULES_H
#define MAILCHUTE_LOADER_IMAP_RULES_H

#include <stdbool.h>

#include "cursor.h"
#include "error.h"
#include "filter.h"
#include "imap-settings.h"

#define IMAP_HEADER_MAX (256u * 1024) /* bytes of a header that rules look at */

struct imap_rules {
    struct filter *accept, *skip; /* NULL: no such rule */
};

/** imap_rules_init - read them from the settings. Yours: imap_rules_done(). ERROR_USAGE. */
int imap_rules_init(struct imap_rules *rules, const struct imap_settings *settings,
                    struct error *err);
void imap_rules_done(struct imap_rules *rules);

/** imap_rules_any - is there a rule, so that headers are needed? */
bool imap_rules_any(const struct imap_rules *rules);

/** imap_rules_take - take the mail with this header block? *out_undecided: a limit of PCRE2 was hit
 * on the way, which counts as no match. -1 out of memory. */
int imap_rules_take(const struct imap_rules *rules, struct span header, bool *out_take,
                    bool *out_undecided, struct error *err);

#endif
