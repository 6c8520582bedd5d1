/* SPDX-License-Identifier: Apache-2.0 */
/* imap-answer.c - what the words of an answer mean: pauses, refusals, capabilities. See
 * imap-session.h. Pure. */
#include <config.h>
#include "imap-session.h"

#include "login-log.h"
#include "text.h"

int imap_answer_error(const struct imap_event *answer, enum error_class class, const char *what,
                      const char *hint, struct error *err)
{
    char said[200];
    uint32_t pause_s = login_pause_s(answer->text);
    text_said(said, sizeof said, answer->text.bytes, answer->text.len);
    switch (answer->code) {
    case IMAP_CODE_THROTTLED:
    case IMAP_CODE_UNAVAILABLE:
    case IMAP_CODE_INUSE:
    case IMAP_CODE_LIMIT:
    case IMAP_CODE_SERVERBUG:
        class = ERROR_PAUSE;
        hint = "try again later";
        break;
    case IMAP_CODE_NOPERM:
    case IMAP_CODE_OVERQUOTA:
    case IMAP_CODE_NONEXISTENT:
        class = ERROR_CONFIG;
        break;
    default:
        if (answer->status == IMAP_BAD)
            class = ERROR_PROTOCOL;
        break;
    }
    if (pause_s > 0)
        class = ERROR_PAUSE;
    error_set(err, class, "%s failed, the server says '%s'; %s", what, said, hint);
    if (err != NULL && class == ERROR_PAUSE)
        err->pause_s = pause_s;
    return -1;
}

bool imap_answer_asks_pause(const struct imap_event *answer)
{
    return answer->code == IMAP_CODE_THROTTLED || answer->code == IMAP_CODE_LIMIT ||
           login_pause_s(answer->text) > 0;
}

int imap_answer_heed(const struct imap_event *answer, const char *what, struct error *err)
{
    bool slow = answer->code == IMAP_CODE_THROTTLED || login_pause_s(answer->text) > 0;
    return answer->status != IMAP_OK && slow
               ? imap_answer_error(answer, ERROR_PAUSE, what, "try again later", err)
               : 0;
}

int imap_answer_folder_error(const struct imap_event *answer, enum error_class class,
                             const char *what, const char *hint, struct error *err)
{
    (void)imap_answer_error(answer, class, what, hint, err);
    if (err->class == ERROR_PAUSE && !imap_answer_asks_pause(answer))
        err->class = ERROR_CONFIG;
    return -1;
}

int imap_answer_messages_error(const struct imap_event *answer, enum error_class class,
                               const char *what, const char *hint, struct error *err)
{
    (void)imap_answer_error(answer, class, what, hint, err);
    bool of_them = answer->code == IMAP_CODE_SERVERBUG || answer->code == IMAP_CODE_INUSE ||
                   answer->code == IMAP_CODE_LIMIT;
    if (of_them && err->pause_s == 0)
        err->class = class;
    return -1;
}

uint32_t imap_answer_capabilities(struct span list)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } names[] = {
        {"MOVE", IMAP_CAN_MOVE},        {"UIDPLUS", IMAP_CAN_UIDPLUS},     {"IDLE", IMAP_CAN_IDLE},
        {"ESEARCH", IMAP_CAN_ESEARCH},  {"NAMESPACE", IMAP_CAN_NAMESPACE}, {"ID", IMAP_CAN_ID},
        {"X-GM-EXT-1", IMAP_CAN_GMAIL},
        {"LITERAL+", IMAP_CAN_LITERAL_PLUS},
        {"LITERAL-", IMAP_CAN_LITERAL_MINUS},
        {"MULTIAPPEND", IMAP_CAN_MULTIAPPEND},
        {"LIST-EXTENDED", IMAP_CAN_LIST_EXTENDED}, {"SPECIAL-USE", IMAP_CAN_SPECIAL_USE},
        {"LIST-STATUS", IMAP_CAN_LIST_STATUS},     {"CONDSTORE", IMAP_CAN_CONDSTORE},
        {"QRESYNC", IMAP_CAN_CONDSTORE},
    };
    uint32_t can = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (imap_capability_has(list, names[i].name))
            can |= names[i].bits;
    /* rev2 holds them all; a server that speaks both revisions talks rev1 until ENABLE, and lists
     * what it means to offer there: believe its list. */
    if (imap_capability_has(list, "IMAP4rev2") && !imap_capability_has(list, "IMAP4rev1"))
        can |= IMAP_CAN_REV2 | IMAP_CAN_MOVE | IMAP_CAN_UIDPLUS | IMAP_CAN_IDLE |
               IMAP_CAN_ESEARCH | IMAP_CAN_NAMESPACE | IMAP_CAN_LITERAL_MINUS |
               IMAP_CAN_LIST_EXTENDED | IMAP_CAN_SPECIAL_USE | IMAP_CAN_LIST_STATUS;
    return can;
}
