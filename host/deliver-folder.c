/* SPDX-License-Identifier: Apache-2.0 */
/* deliver-folder.c - see deliver-folder.h. */
#include <config.h>
#include "deliver-folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "text.h"

#define FOLDER_PATH_MAX (DELIVER_ROOT_MAX + DELIVER_LEVELS_MAX * (DELIVER_LEVEL_MAX + 1u))
#define FOLDER_WORD_MAX 64u

enum folder_word {
    FOLDER_PROTOCOL,
    FOLDER_NETWORK,
    FOLDER_ADDRESS,
    FOLDER_LOADER,
    FOLDER_ACCOUNT,
    FOLDER_MAILBOX,
    FOLDER_SOURCE,
    FOLDER_QUEUE,
    FOLDER_SENDER,
    FOLDER_YEAR,
    FOLDER_MONTH,
    FOLDER_TEXT
};

static const char *const folder_words[] = {
    [FOLDER_PROTOCOL] = "Protocol", [FOLDER_NETWORK] = "Network", [FOLDER_ADDRESS] = "Address",
    [FOLDER_LOADER] = "Loader",     [FOLDER_ACCOUNT] = "Account", [FOLDER_MAILBOX] = "Mailbox",
    [FOLDER_SOURCE] = "Source",     [FOLDER_QUEUE] = "Queue",     [FOLDER_SENDER] = "Sender",
    [FOLDER_YEAR] = "Year",         [FOLDER_MONTH] = "Month",
};
#define FOLDER_WORDS (sizeof folder_words / sizeof folder_words[0])

/* One level of the template: a word, or a text in quotes, of @size bytes at @text. */
struct folder_level {
    enum folder_word word;
    const char *text;
    size_t size;
};

/* The level at *at, which moves behind its '>'. 1, 0 at the end, -1: it is none. */
static int folder_next(const char **at, struct folder_level *out)
{
    const char *start = *at;
    if (*start == '\0')
        return 0;
    size_t size = *start == '\'' ? 1 + strcspn(start + 1, "'") : strcspn(start, ">");
    bool quoted = *start == '\'';
    if (quoted && start[size] != '\'')
        return -1;
    *out = (struct folder_level){FOLDER_TEXT, start + 1, quoted ? size - 1 : 0};
    const char *end = start + size + (quoted ? 1 : 0);
    if (*end != '\0' && *end != '>')
        return -1;
    *at = *end == '>' ? end + 1 : end;
    if (*end == '>' && **at == '\0')
        return -1;
    if (quoted)
        return out->size > 0 ? 1 : -1;
    char word[FOLDER_WORD_MAX];
    if (size == 0 || size >= sizeof word)
        return -1;
    memcpy(word, start, size);
    word[size] = '\0';
    for (size_t i = 0; i < FOLDER_WORDS; i++)
        if (text_equal_nocase(word, folder_words[i])) {
            out->word = (enum folder_word)i;
            return 1;
        }
    return -1;
}

int deliver_folder_check(const struct deliver_folder *folder, struct error *err)
{
    const char *at = folder->template, *before = at;
    struct folder_level level;
    int got;
    unsigned levels = 0;
    while ((got = folder_next(&at, &level)) > 0) {
        before = at;
        levels++;
    }
    char shown[80];
    text_printable(shown, sizeof shown, before, strlen(before));
    if (got < 0 || levels == 0)
        return error_set(err, ERROR_USAGE, "--folder: '%s' is no level; write Protocol, Network, "
                         "Address, Loader, Account, Mailbox, Source, Queue, Sender, Year, Month or "
                         "'text', with '>' between them", shown);
    if (levels > DELIVER_LEVELS_MAX)
        return error_set(err, ERROR_USAGE, "--folder: %u levels are more than %u; write fewer",
                         levels, DELIVER_LEVELS_MAX);
    if (strlen(folder->root) > DELIVER_ROOT_MAX)
        return error_set(err, ERROR_USAGE, "--root: the name of a folder has %u bytes at most; "
                         "choose a shorter one", DELIVER_ROOT_MAX);
    if (folder->root[0] == '\0' || text_has_control(folder->root) ||
        !text_is_utf8(folder->root, strlen(folder->root)) || folder->root[0] == '/' ||
        folder->root[strlen(folder->root) - 1] == '/')
        return error_set(err, ERROR_USAGE, "--root: this cannot be the name of a folder; write it "
                         "like Inbox, or Archive/Chain");
    return 0;
}

/* ---- Values ---------------------------------------------------------------------------------- */

/* The first part of "ethereum.mainnet", NULL for any other mailbox. */
static const char *folder_dot(const struct queue_entry *entry)
{
    const char *dot = strchr(entry->mailbox, '.');
    bool fits = entry->uid == 0 && dot != NULL && dot > entry->mailbox && dot[1] != '\0' &&
                strchr(entry->mailbox, '/') == NULL;
    return fits ? dot : NULL;
}

static struct folder_level folder_value(const struct queue_entry *entry, const char *date,
                                        const struct folder_level *level)
{
    const char *dot = folder_dot(entry), *text = "";
    size_t from = 0, size = SIZE_MAX;
    switch (level->word) {
    case FOLDER_PROTOCOL:
        text = dot != NULL ? entry->mailbox : entry->loader;
        size = dot != NULL ? (size_t)(dot - entry->mailbox) : SIZE_MAX;
        break;
    case FOLDER_NETWORK:
        text = dot != NULL ? dot + 1 : entry->mailbox;
        break;
    case FOLDER_ADDRESS:
    case FOLDER_ACCOUNT:
        text = entry->account;
        break;
    case FOLDER_LOADER:
        text = entry->loader;
        break;
    case FOLDER_MAILBOX:
        text = entry->mailbox;
        break;
    case FOLDER_SOURCE:
        text = entry->source;
        break;
    case FOLDER_QUEUE:
        text = entry->queue;
        break;
    case FOLDER_SENDER:
        text = entry->sender != NULL ? entry->sender : "";
        break;
    case FOLDER_YEAR:
    case FOLDER_MONTH:
        text = date != NULL && strlen(date) >= 7 ? date : "";
        from = level->word == FOLDER_MONTH && text[0] != '\0' ? 5 : 0;
        size = level->word == FOLDER_MONTH ? 2 : 4;
        break;
    case FOLDER_TEXT:
        text = level->text;
        size = level->size;
        break;
    }
    text += from;
    size_t have = level->word == FOLDER_TEXT ? size : strlen(text);
    return (struct folder_level){level->word, text, have < size ? have : size};
}

/* "%" and "*" would be wildcards to a LIST, '\' and '"' trouble many servers. */
static bool folder_is_bad(char c, bool levels)
{
    return (unsigned char)c < 0x20 || c == 0x7F || strchr("%*\\\"", c) != NULL ||
           (c == '/' && !levels);
}

/* "." and ".." are no names, on servers whose folders are directories least of all. */
static void folder_mend_dots(char *levels)
{
    for (char *at = levels; *at != '\0'; at += *at == '/') {
        size_t size = strcspn(at, "/");
        if (strspn(at, ".") == size)
            memset(at, '_', size);
        at += size;
    }
}

static int folder_append(struct buffer *out, const struct folder_level *value)
{
    bool levels = value->word == FOLDER_MAILBOX;
    char text[DELIVER_LEVEL_MAX + 1];
    char whole[4 * DELIVER_LEVEL_MAX];
    size_t size = value->size < sizeof whole - 1 ? value->size : sizeof whole - 1;
    memcpy(whole, value->text, size);
    whole[size] = '\0';
    text_copy(text, sizeof text, whole); /* cut at a character */
    for (char *at = text; *at != '\0'; at++) {
        if (folder_is_bad(*at, levels))
            *at = '_';
        if (value->word == FOLDER_LOADER || value->word == FOLDER_PROTOCOL)
            *at = text_lower(*at);
    }
    char *start = text + strspn(text, " /");
    size_t len = strlen(start);
    while (len > 0 && (start[len - 1] == ' ' || start[len - 1] == '/'))
        start[--len] = '\0';
    folder_mend_dots(start);
    return buffer_append_byte(out, '/') < 0 ? -1
                                            : buffer_append_text(out, len > 0 ? start : "none");
}

static bool folder_is_mainnet(const struct queue_entry *entry)
{
    static const char mainnet[] = "mainnet";
    const char *dot = folder_dot(entry);
    size_t size = dot == NULL ? 0 : strlen(dot + 1), len = sizeof mainnet - 1;
    if (size < len || !text_equal_nocase(dot + 1 + size - len, mainnet))
        return false;
    return size == len || dot[size - len] == '-';
}

int deliver_folder_path(const struct deliver_folder *folder, const struct queue_entry *entry,
                        const char *date, char **out_path, struct error *err)
{
    AUTO_DONE(buffer) path;
    buffer_init(&path, FOLDER_PATH_MAX);
    int bad = buffer_append_text(&path, folder->root);
    struct folder_level level;
    const char *at = folder->template;
    while (bad == 0 && !(folder->mainnet_to_root && folder_is_mainnet(entry)) &&
           folder_next(&at, &level) > 0) {
        struct folder_level value = folder_value(entry, date, &level);
        bad = folder_append(&path, &value);
    }
    if (bad == 0 && (*out_path = buffer_take(&path)) != NULL)
        return 0;
    return error_oom(err, "choosing a folder");
}

/* ---- Where another program put it ------------------------------------------------------------ */

/* "Address", or with another "0x" a text of its own. NULL out of memory. */
static char *former_address(const struct queue_entry *entry, bool doubled)
{
    char *level = NULL;
    if (!doubled)
        return strdup(folder_words[FOLDER_ADDRESS]);
    return asprintf(&level, "'0x%s'", entry->account) < 0 ? NULL : level;
}

static int former_path(const struct queue_entry *entry, const char *template, char **out_path,
                       struct error *err)
{
    const struct deliver_folder folder = {template, DELIVER_FOLDER_ROOT, false};
    return deliver_folder_path(&folder, entry, NULL, out_path, err);
}

/* What stands around the address, and whether that has another "0x"; or the root alone. */
static const struct {
    const char *before, *behind;
    bool doubled;
} former_folders[DELIVER_FORMER_MAX] = {
    {"Protocol>Network>", "", true},
    {"Protocol>Network>", "", false},
    {"", ">Protocol>Network", true},
    {"", ">Protocol>Network", false},
    {NULL, NULL, false},
};

int deliver_folder_former(const struct queue_entry *entry, unsigned at, char **out_path,
                          struct error *err)
{
    const char *dot = folder_dot(entry);
    *out_path = NULL;
    if (at >= DELIVER_FORMER_MAX || dot == NULL)
        return 0;
    if (former_folders[at].before == NULL)
        return folder_is_mainnet(entry) ? former_path(entry, "", out_path, err) : 0;
    bool doubled = former_folders[at].doubled;
    if (doubled &&
        (!text_starts_nocase(entry->mailbox, "ethereum.") || strchr(entry->account, '\'') != NULL))
        return 0;
    AUTO_TEXT address = former_address(entry, doubled);
    AUTO_TEXT template = NULL;
    if (address == NULL || asprintf(&template, "%s%s%s", former_folders[at].before, address,
                                    former_folders[at].behind) < 0) {
        template = NULL;
        return error_oom(err, "choosing a folder");
    }
    return former_path(entry, template, out_path, err);
}
