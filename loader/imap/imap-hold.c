/* SPDX-License-Identifier: Apache-2.0 */
/* imap-hold.c - when a mailbox is held. See imap-hold.h. */
#include <config.h>
#include "imap-hold.h"

#include <stdarg.h>
#include <stdio.h>

#include "text.h"

bool imap_hold_found_enough(uint64_t expected, uint64_t found, uint64_t contradicted)
{
    return contradicted == 0 &&
           (found >= IMAP_FOUND_MIN || found * 100 >= expected * IMAP_FOUND_PERCENT);
}

bool imap_hold_too_many(uint64_t back, uint64_t listed)
{
    return back > IMAP_BACK_MAX && back * 100 > listed * IMAP_BACK_PERCENT;
}

int imap_hold_set(const struct imap_host *host, const struct imap_folder *mailbox,
                  const struct imap_mailbox *state, enum imap_hold held, struct error *err,
                  const char *fmt, ...)
{
    struct imap_mailbox now = {0};
    char what[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (state != NULL)
        now = *state;
    else if (host->mailbox != NULL && host->mailbox(host->context, mailbox->path, &now, err) < 0)
        return -1;
    now.held = held;
    now.held_s = clock_unix_s(&host->clock);
    error_set(err, ERROR_HELD, "'%.60s' is held: %s", mailbox->name, what);
    text_copy(now.why, sizeof now.why, err->text);
    if (host->adopt == NULL)
        return -1;
    struct error why;
    if (host->adopt(host->context, NULL, 0, &now, &why) < 0)
        *err = why;
    return -1;
}
