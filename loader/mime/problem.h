/* SPDX-License-Identifier: Apache-2.0 */
/* problem.h - lists of texts, and the list that tells what had to be repaired in a message.
 *
 * A list is the caller's struct, zeroed before use and ended by mail_texts_done(); its texts are
 * the list's. -1 is out of memory everywhere, and leaves the list as it was. */
#ifndef MAILCHUTE_MIME_PROBLEM_H
#define MAILCHUTE_MIME_PROBLEM_H

#include "error.h"
#include "mail.h"

#define PROBLEM_TEXT_MAX 400 /* bytes of one problem, its NUL included; longer ones are cut */

/** mail_texts_add - append a copy of @text. Amortised constant time. */
int mail_texts_add(struct mail_texts *texts, const char *text);

/** mail_texts_done - free the texts; the list is empty afterwards. */
void mail_texts_done(struct mail_texts *texts);

/** problem_add - tell a problem, once: a text that is in the list already is not added again. After
 * MAIL_PROBLEMS_MAX of them comes "more problems: not listed", and then nothing. Bytes of the
 * message may stand in the arguments: what is not printable UTF-8 becomes \xNN. @problems NULL:
 * nobody wants to know. */
int problem_add(struct mail_texts *problems, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
