/* SPDX-License-Identifier: Apache-2.0 */
/* imap-command.c - write IMAP commands. See imap-command.h. */
#include <config.h>
#include "imap-command.h"

#include "text.h"

void imap_command_init(struct imap_command *command, const char *text)
{
    buffer_init(&command->bytes, IMAP_COMMAND_MAX);
    command->refused = false;
    imap_command_add(command, text);
}

void imap_command_done(struct imap_command *command)
{
    buffer_done(&command->bytes);
}

void imap_command_add(struct imap_command *command, const char *text)
{
    if (text_has_control(text) || buffer_append_text(&command->bytes, text) < 0)
        command->refused = true;
}

/* quoted = DQUOTE *QUOTED-CHAR DQUOTE; '"' and '\' stand behind a '\' (RFC 9051 s.9). */
void imap_command_quoted(struct imap_command *command, const char *text)
{
    struct buffer *out = &command->bytes;
    if (text_has_control(text) || buffer_append_byte(out, '"') < 0)
        command->refused = true;
    for (; *text != '\0' && !command->refused; text++)
        if (((*text == '"' || *text == '\\') && buffer_append_byte(out, '\\') < 0) ||
            buffer_append_byte(out, (uint8_t)*text) < 0)
            command->refused = true;
    if (buffer_append_byte(out, '"') < 0)
        command->refused = true;
}

void imap_command_set(struct imap_command *command, struct imap_set *set)
{
    imap_set_sort(set);
    if (set->count == 0)
        command->refused = true;
    for (size_t i = 0; i < set->count && !command->refused; i++) {
        const struct imap_range *range = &set->ranges[i];
        const char *comma = i > 0 ? "," : "";
        int r = range->first == range->last
                    ? buffer_printf(&command->bytes, "%s%u", comma, range->first)
                    : buffer_printf(&command->bytes, "%s%u:%u", comma, range->first, range->last);
        if (r < 0)
            command->refused = true;
    }
}

int imap_command_end(struct imap_command *command, struct error *err)
{
    if (buffer_append_text(&command->bytes, "\r\n") < 0)
        command->refused = true;
    if (!command->refused)
        return 0;
    return error_set(err, ERROR_USAGE,
                     "a command to the server would hold a control character or be "
                     "longer than %u bytes; check mailbox, dropbox, badmail and search",
                     IMAP_COMMAND_MAX);
}
