/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - lines for systemd's journal. See journal.h. */
#include <config.h>
#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "notify.h"
#include "text.h"

#define JOURNAL_VALUE_MAX 4096u

bool journal_reads(int fd)
{
    const char *said = secure_getenv("JOURNAL_STREAM"); /* "device:inode" */
    char is[64];
    struct stat about;
    if (said == NULL || fstat(fd, &about) < 0)
        return false;
    (void)snprintf(is, sizeof is, "%llu:%llu", (unsigned long long)about.st_dev,
                   (unsigned long long)about.st_ino);
    return strcmp(said, is) == 0;
}

int journal_connect(const char *path)
{
    return notify_connect(path);
}

/* A line end would begin another field: there is none in what is printable. */
int journal_append_field(struct buffer *fields, const char *name, const char *value)
{
    return buffer_append_text(fields, name) | buffer_append_byte(fields, '=') |
           text_append_printable(fields, value, strlen(value), JOURNAL_VALUE_MAX) |
           buffer_append_byte(fields, '\n');
}

int journal_send(int journal, const struct buffer *fields)
{
    return send(journal, buffer_text(fields), fields->len, MSG_NOSIGNAL) < 0 ? -1 : 0;
}
