/* SPDX-License-Identifier: Apache-2.0 */
/* imap-command.c - write IMAP commands. See imap-command.h. */
#include <config.h>
#include "imap-command.h"

#include "text.h"

void imap_command_init(struct imap_command *command, const char *text)
{
    buffer_init(&command->bytes, IMAP_COMMAND_MAX);
    command->refused = command->oom = false;
    imap_command_add(command, text);
}

void imap_command_done(struct imap_command *command)
{
    buffer_done(&command->bytes);
}

/* What was to be appended: 0, or -1, too long or for want of memory. */
static void imap_command_appended(struct imap_command *command, int result)
{
    if (result < 0 && buffer_is_full(&command->bytes))
        command->refused = true;
    else if (result < 0)
        command->oom = true;
}

void imap_command_add(struct imap_command *command, const char *text)
{
    if (text_has_control(text))
        command->refused = true;
    else
        imap_command_appended(command, buffer_append_text(&command->bytes, text));
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE; '"' and '\' stand behind a '\' (RFC 9051 s.9). */
void imap_command_quoted(struct imap_command *command, const char *text)
{
    struct buffer *out = &command->bytes;
    command->refused = command->refused || text_has_control(text);
    imap_command_appended(command, buffer_append_byte(out, '"'));
    for (; *text != '\0' && !command->refused && !command->oom; text++) {
        if (*text == '"' || *text == '\\')
            imap_command_appended(command, buffer_append_byte(out, '\\'));
        imap_command_appended(command, buffer_append_byte(out, (uint8_t)*text));
    }
    imap_command_appended(command, buffer_append_byte(out, '"'));
}

void imap_command_set(struct imap_command *command, struct imap_set *set)
{
    imap_set_sort(set);
    if (set->count == 0)
        command->refused = true;
    for (size_t i = 0; i < set->count && !command->refused && !command->oom; i++) {
        const struct imap_range *range = &set->ranges[i];
        const char *comma = i > 0 ? "," : "";
        int r = range->first == range->last
                    ? buffer_printf(&command->bytes, "%s%u", comma, range->first)
                    : buffer_printf(&command->bytes, "%s%u:%u", comma, range->first, range->last);
        imap_command_appended(command, r);
    }
}

int imap_command_end(struct imap_command *command, struct error *err)
{
    imap_command_appended(command, buffer_append_text(&command->bytes, "\r\n"));
    if (command->oom)
        return error_oom(err, "writing a command to the server");
    if (!command->refused)
        return 0;
    return error_set(err, ERROR_USAGE,
                     "a command to the server would hold a control character or be "
                     "longer than %u bytes; check mailbox, dropbox, badmail and search",
                     IMAP_COMMAND_MAX);
}
