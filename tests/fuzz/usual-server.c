/* SPDX-License-Identifier: Apache-2.0 */
/* usual-server.c - see usual-server.h. */
#include <config.h>
#include "usual-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

uint64_t usual_set_number(struct cursor *c)
{
    uint64_t n = 0;
    while (cursor_peek(c) >= '0' && cursor_peek(c) <= '9' && n <= UINT32_MAX)
        n = n * 10 + (uint64_t)(cursor_next(c) - '0');
    if (n == 0 || n > UINT32_MAX) {
        fprintf(stderr, "broken promise: a set names no UID, or one that there cannot be\n");
        abort();
    }
    return n;
}

static bool set_has(const char *text, uint64_t uid)
{
    struct cursor c = cursor_over(text, strlen(text));
    do {
        uint64_t first = usual_set_number(&c), last = first;
        if (cursor_byte(&c, ':') == PARSE_OK)
            last = cursor_byte(&c, '*') == PARSE_OK ? UINT32_MAX : usual_set_number(&c);
        if (uid >= first && uid <= last)
            return true;
    } while (cursor_byte(&c, ',') == PARSE_OK);
    return false;
}

static void usual_fetch(struct buffer *said, uint32_t uid, const char *items)
{
    static const char body[] = "words\r\n";
    const char *fields = strstr(items, "[HEADER.FIELDS");
    char header[64];
    (void)snprintf(header, sizeof header, "Subject: x\r\nMessage-ID: <m%u@x>\r\n\r\n", uid % 100);
    size_t size = strlen(header) + sizeof body - 1;
    buffer_printf(said, "* %u FETCH (UID %u", uid - 4, uid);
    if (strstr(items, "FLAGS") != NULL)
        buffer_append_text(said, " FLAGS ()");
    if (strstr(items, "SIZE") != NULL)
        buffer_printf(said, " RFC822.SIZE %zu", size);
    if (strstr(items, "DATE") != NULL)
        buffer_append_text(said, " INTERNALDATE \"01-Mar-2026 12:00:00 +0000\"");
    if (strstr(items, "[HEADER]") != NULL)
        buffer_printf(said, " BODY[HEADER] {%zu}\r\n%s", strlen(header), header);
    if (fields != NULL)
        buffer_printf(said, " BODY%.*s] {%zu}\r\n%s", (int)strcspn(fields, "]"), fields,
                      strlen(header), header);
    if (strstr(items, "[]") != NULL)
        buffer_printf(said, " BODY[] {%zu}\r\n%s%s", size, header, body);
    buffer_append_text(said, ")\r\n");
}

/* A command on a set of messages. */
static void usual_uid(struct usual_server *u, const char *text)
{
    struct buffer *said = u->said;
    const char *set = strchr(text + strlen("UID "), ' ') + 1;
    for (uint32_t uid = 5; uid <= 7; uid++) {
        unsigned int bit = 1u << (uid - 5);
        if ((u->there & bit) == 0 || *set < '1' || *set > '9' || !set_has(set, uid))
            continue;
        if (text_starts_nocase(text, "UID FETCH"))
            usual_fetch(said, uid, set);
        if (text_starts_nocase(text, "UID STORE") && strstr(text, "Deleted") != NULL)
            u->deleted |= bit;
        bool goes = text_starts_nocase(text, "UID MOVE") ||
                    (text_starts_nocase(text, "UID EXPUNGE") && (u->deleted & bit) != 0);
        if (goes || text_starts_nocase(text, "UID COPY"))
            buffer_printf(said, "* OK [COPYUID 9 %u %u] x\r\n", uid, uid + 100);
        if (goes) {
            u->there &= ~bit;
            buffer_append_text(said, "* 1 EXPUNGE\r\n");
        }
    }
}

/* Within the UIDs that it names, if it names any. */
static void usual_search(struct usual_server *u, const char *text)
{
    struct buffer *said = u->said;
    bool esearch = text_starts_nocase(text, "UID SEARCH RETURN");
    const char *within = strstr(text + strlen("UID "), " UID "), *set;
    set = within == NULL || within[5] < '1' || within[5] > '9' ? NULL : within + 5;
    const char *between = " ";
    buffer_append_text(said, esearch ? "* ESEARCH UID" : "* SEARCH");
    for (uint32_t uid = 5; uid <= 7; uid++) {
        if ((u->there & 1u << (uid - 5)) == 0 || (set != NULL && !set_has(set, uid)))
            continue;
        buffer_printf(said, "%s%u", esearch && *between == ' ' ? " ALL " : between, uid);
        between = esearch ? "," : " ";
    }
    buffer_append_text(said, "\r\n");
}

struct span usual_last_quoted(const char *text)
{
    size_t end = strlen(text), start;
    while (end > 0 && text[end - 1] != '"')
        end--;
    start = end > 0 ? end - 1 : 0;
    while (start > 0 && !(text[start - 1] == '"' && (start < 2 || text[start - 2] != '\\')))
        start--;
    return (struct span){(const uint8_t *)text + (start > 0 ? start - 1 : 0),
                         end - (start > 0 ? start - 1 : 0)};
}

void usual_answer(struct usual_server *u, const char *tag, const char *text)
{
    struct buffer *said = u->said;
    struct span name = usual_last_quoted(text);
    const char *answer = "";
    if (text_starts_nocase(text, "CAPABILITY"))
        buffer_printf(said, "* CAPABILITY %s\r\n", u->capabilities);
    else if (text_starts_nocase(text, "LIST \"\" \"\""))
        buffer_append_text(said, "* LIST (\\Noselect) \"/\" \"\"\r\n");
    else if (text_starts_nocase(text, "NAMESPACE"))
        buffer_append_text(said, "* NAMESPACE ((\"INBOX.\" \".\")) NIL NIL\r\n");
    else if (text_starts_nocase(text, "LIST "))
        buffer_printf(said, "* LIST () \"/\" %.*s\r\n", (int)name.len, (const char *)name.bytes);
    else if (text_starts_nocase(text, "STATUS "))
        buffer_printf(said, "* STATUS %.*s (UIDNEXT 100 UIDVALIDITY 9)\r\n", (int)name.len,
                      (const char *)name.bytes);
    else if (text_starts_nocase(text, "SELECT ") || text_starts_nocase(text, "EXAMINE "))
        answer = "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n"
                 "* OK [PERMANENTFLAGS (\\Deleted \\*)] x\r\n";
    else if (text_starts_nocase(text, "UID SEARCH"))
        usual_search(u, text);
    else if (text_starts_nocase(text, "UID "))
        usual_uid(u, text);
    else if (text_starts_nocase(text, "IDLE"))
        answer = "+ idling\r\n* 4 EXISTS\r\n";
    buffer_append_text(said, answer);
    buffer_printf(said, "%s OK done\r\n", tag);
}
