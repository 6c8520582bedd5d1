/* SPDX-License-Identifier: Apache-2.0 */
/* condition.h - which mail makes work in a work queue: "Subject:/regex/", or "!Subject:/regex/" for
 * all but that.
 *
 * Looked at is what the entry will have: Subject, Sender (or From), Recipient (or To), Cc, Bcc,
 * Body (the text of the mail), or * for any of them; the first 64 kB of each. A field that is not
 * there is empty. The expression is filter.h's, with its limits; where one is hit, and where a mail
 * could not be read, the mail makes work: nothing is passed over in doubt. */
#ifndef MAILCHUTE_HOST_CONDITION_H
#define MAILCHUTE_HOST_CONDITION_H

#include <stdbool.h>

#include "cleanup.h"
#include "error.h"
#include "loader-plugin.h"

struct condition;

/** condition_new - read @text. *out_condition is yours: condition_free(). ERROR_USAGE says what is
 * wrong with it. */
int condition_new(const char *text, struct condition **out_condition, struct error *err);
void condition_free(struct condition *condition); /* NULL is fine */
AUTO_DEFINE(condition, condition_free);

const char *condition_text(const struct condition *condition); /* as it was read; "" for NULL */

/** condition_is_met - @mail makes work; NULL does. A NULL condition is met by all. */
bool condition_is_met(const struct condition *condition, const struct loader_mail *mail);

#endif
