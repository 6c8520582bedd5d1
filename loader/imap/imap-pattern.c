/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pattern.c - lists of folders as users write them. See imap-pattern.h. */
#include <config.h>
#include "imap-pattern.h"

#include <stdlib.h>
#include <string.h>

#include "buffer.h"
#include "imap-response.h"
#include "text.h"

static const char imap_pattern_doing[] = "reading a list of folders";

/* ---- Lists ----------------------------------------------------------------------------------- */

/* One item: up to a comma that stands alone (*out_more: another follows), or to the end; *text
 * moves behind that. */
static int imap_list_item(const char **text, struct buffer *out, bool *out_more, struct error *err)
{
    buffer_clear(out);
    *out_more = false;
    for (; **text != '\0'; (*text)++) {
        *out_more = **text == ',' && *++*text != ',';
        if (*out_more)
            return 0;
        if (out->len == IMAP_PATTERN_MAX)
            return error_set(err, ERROR_USAGE, "a folder name has at most %u bytes",
                             IMAP_PATTERN_MAX);
        if (buffer_append_byte(out, (uint8_t)**text) < 0)
            return error_oom(err, imap_pattern_doing);
    }
    return 0;
}

/* Without the spaces at its ends. */
static char *imap_list_trim(const struct buffer *item)
{
    const char *at = buffer_text(item);
    size_t len = item->len;
    while (len > 0 && text_is_space(at[len - 1]))
        len--;
    while (len > 0 && text_is_space(at[0]))
        at++, len--;
    return strndup(at, len);
}

/* ---- Patterns -------------------------------------------------------------------------------- */

/* Length of a first level that is INBOX in any case, else 0. */
static size_t imap_inbox_level(const char *path)
{
    return text_starts_nocase(path, "INBOX") && (path[5] == '\0' || path[5] == '/') ? 5 : 0;
}

static int imap_patterns_add(struct imap_patterns *patterns, char *text, struct error *err)
{
    size_t size = text == NULL ? 0 : strlen(text);
    int failed = 0;
    if (text == NULL)
        return error_oom(err, imap_pattern_doing);
    if (size == 0)
        failed = error_set(err, ERROR_USAGE,
                           "a name between two commas is missing; write it like INBOX,Projects/*");
    /* analyse: no leak: error_set() is -1, and then text is freed below */
    else if (text[0] == '/' || text[size - 1] == '/' || strstr(text, "//") != NULL)
        failed = error_set(err, ERROR_USAGE,
                           "'%.60s' has a level without a name; write it like Archive/2026", text);
    else if (patterns->count == IMAP_PATTERNS_MAX)
        failed = error_set(err, ERROR_USAGE, "more than %u names; use patterns with * and %%",
                           IMAP_PATTERNS_MAX);
    struct imap_pattern *items =
        failed < 0 ? NULL : reallocarray(patterns->items, patterns->count + 1, sizeof *items);
    if (failed == 0 && items == NULL)
        failed = error_oom(err, imap_pattern_doing);
    if (failed < 0) {
        free(text);
        return -1;
    }
    memcpy(text, "INBOX", imap_inbox_level(text));
    patterns->items = items;
    items[patterns->count++] = (struct imap_pattern){text, strpbrk(text, "*%") == NULL};
    return 0;
}

int imap_patterns_read(const char *text, struct imap_patterns *out, struct error *err)
{
    struct buffer item;
    int failed = 0;
    *out = (struct imap_patterns){0};
    if (text == NULL)
        return 0;
    buffer_init(&item, IMAP_PATTERN_MAX + 1);
    bool more = true;
    while (more && failed == 0) {
        failed = imap_list_item(&text, &item, &more, err);
        if (failed == 0)
            failed = imap_patterns_add(out, imap_list_trim(&item), err);
    }
    buffer_done(&item);
    return failed;
}

void imap_patterns_done(struct imap_patterns *patterns)
{
    for (size_t i = 0; i < patterns->count; i++)
        free(patterns->items[i].text);
    free(patterns->items);
    *patterns = (struct imap_patterns){0};
}

void imap_patterns_adapt(struct imap_patterns *patterns, char delimiter)
{
    if (delimiter == '\0' || delimiter == '*' || delimiter == '%')
        return;
    for (size_t i = 0; i < patterns->count; i++) {
        char *text = patterns->items[i].text;
        for (char *at = text; *at != '\0'; at++)
            *at = *at == delimiter ? '/' : *at;
        memcpy(text, "INBOX", imap_inbox_level(text)); /* now that its end can be seen */
    }
}

/* reached[i]: the first i characters of the pattern can stand for what of the path was read. */
static void imap_pattern_start(const char *pattern, size_t size, bool *reached)
{
    reached[0] = true;
    for (size_t i = 0; i < size; i++)
        reached[i + 1] = reached[i] && (pattern[i] == '*' || pattern[i] == '%');
}

static void imap_pattern_step(const char *pattern, size_t size, char c, bool *reached)
{
    bool before = reached[0]; /* as it was before this character */
    reached[0] = false;
    for (size_t i = 0; i < size; i++) {
        bool was = reached[i + 1];
        bool any = pattern[i] == '*' || (pattern[i] == '%' && c != '/');
        bool jumps = pattern[i] == '*' || pattern[i] == '%'; /* stands for nothing more, too */
        reached[i + 1] =
            jumps ? (any && (was || before)) || reached[i] : before && pattern[i] == c;
        before = was;
    }
}

bool imap_pattern_matches(const struct imap_pattern *pattern, const char *path)
{
    bool reached[IMAP_PATTERN_MAX + 2];
    size_t size = strlen(pattern->text), inbox = imap_inbox_level(path);
    imap_pattern_start(pattern->text, size, reached);
    for (size_t i = 0; path[i] != '\0'; i++)
        imap_pattern_step(pattern->text, size, i < inbox ? "INBOX"[i] : path[i], reached);
    return reached[size];
}

/* ---- Special uses ---------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t use;
} imap_specials[] = {{"Junk", IMAP_LIST_JUNK},           {"Trash", IMAP_LIST_TRASH},
                     {"Drafts", IMAP_LIST_DRAFTS},       {"Flagged", IMAP_LIST_FLAGGED},
                     {"Important", IMAP_LIST_IMPORTANT}, {"Sent", IMAP_LIST_SENT},
                     {"Archive", IMAP_LIST_ARCHIVE},     {"All", IMAP_LIST_ALL}};
#define IMAP_SPECIALS (sizeof imap_specials / sizeof imap_specials[0])

static int imap_special_unknown(const char *word, struct error *err)
{
    size_t best = 0;
    for (size_t i = 1; i < IMAP_SPECIALS; i++)
        if (text_distance(word, imap_specials[i].name) <
            text_distance(word, imap_specials[best].name))
            best = i;
    if (text_distance(word, imap_specials[best].name) <= 2)
        return error_set(err, ERROR_USAGE, "'%.40s' is no special use; do you mean %s?", word,
                         imap_specials[best].name);
    return error_set(err, ERROR_USAGE,
                     "'%.40s' is no special use; write None, or some of " IMAP_SPECIAL_WORDS
                     " with commas between",
                     word);
}

int imap_special_read(const char *text, uint32_t *out_uses, struct error *err)
{
    struct imap_patterns words;
    uint32_t uses = 0;
    int failed = imap_patterns_read(text, &words, err);
    bool none = failed == 0 && words.count == 1 && text_equal_nocase(words.items[0].text, "None");
    for (size_t i = 0; failed == 0 && !none && i < words.count; i++) {
        size_t at = 0;
        while (at < IMAP_SPECIALS &&
               !text_equal_nocase(words.items[i].text, imap_specials[at].name))
            at++;
        if (at == IMAP_SPECIALS)
            failed = imap_special_unknown(words.items[i].text, err);
        else
            uses |= imap_specials[at].use;
    }
    imap_patterns_done(&words);
    if (failed == 0)
        *out_uses = uses;
    return failed;
}

const char *imap_special_name(uint32_t uses)
{
    for (size_t i = 0; i < IMAP_SPECIALS; i++)
        if ((uses & imap_specials[i].use) != 0)
            return imap_specials[i].name;
    return "";
}

/* What folders of these uses are called where the server does not tell. */
static const struct {
    const char *name;
    uint32_t use;
} imap_usual_names[] = {
    {"Junk", IMAP_LIST_JUNK},
    {"Spam", IMAP_LIST_JUNK},
    {"Junk E-mail", IMAP_LIST_JUNK},
    {"Junk Email", IMAP_LIST_JUNK},
    {"Junk Mail", IMAP_LIST_JUNK},
    {"Bulk", IMAP_LIST_JUNK},
    {"Bulk Mail", IMAP_LIST_JUNK},
    {"Junk-E-Mail", IMAP_LIST_JUNK},
    {"Spamverdacht", IMAP_LIST_JUNK},
    {"Courrier indésirable", IMAP_LIST_JUNK},
    {"Indésirables", IMAP_LIST_JUNK},
    {"Correo no deseado", IMAP_LIST_JUNK},
    {"Posta indesiderata", IMAP_LIST_JUNK},
    {"Ongewenste e-mail", IMAP_LIST_JUNK},
    {"Nevyžádaná pošta", IMAP_LIST_JUNK},
    {"Trash", IMAP_LIST_TRASH},
    {"Deleted", IMAP_LIST_TRASH},
    {"Deleted Items", IMAP_LIST_TRASH},
    {"Deleted Messages", IMAP_LIST_TRASH},
    {"Bin", IMAP_LIST_TRASH},
    {"Papierkorb", IMAP_LIST_TRASH},
    {"Gelöscht", IMAP_LIST_TRASH},
    {"Gelöschte Elemente", IMAP_LIST_TRASH},
    {"Gelöschte Objekte", IMAP_LIST_TRASH},
    {"Corbeille", IMAP_LIST_TRASH},
    {"Éléments supprimés", IMAP_LIST_TRASH},
    {"Papelera", IMAP_LIST_TRASH},
    {"Elementos eliminados", IMAP_LIST_TRASH},
    {"Cestino", IMAP_LIST_TRASH},
    {"Posta eliminata", IMAP_LIST_TRASH},
    {"Prullenbak", IMAP_LIST_TRASH},
    {"Verwijderde items", IMAP_LIST_TRASH},
    {"Koš", IMAP_LIST_TRASH},
    {"Odstraněná pošta", IMAP_LIST_TRASH},
    {"Kosz", IMAP_LIST_TRASH},
    {"Drafts", IMAP_LIST_DRAFTS},
    {"Draft", IMAP_LIST_DRAFTS},
    {"Entwürfe", IMAP_LIST_DRAFTS},
    {"Brouillons", IMAP_LIST_DRAFTS},
    {"Borradores", IMAP_LIST_DRAFTS},
    {"Bozze", IMAP_LIST_DRAFTS},
    {"Concepten", IMAP_LIST_DRAFTS},
    {"Koncepty", IMAP_LIST_DRAFTS},
    {"Rozepsané", IMAP_LIST_DRAFTS},
    {"Szkice", IMAP_LIST_DRAFTS},
    {"Robocze", IMAP_LIST_DRAFTS},
};

uint32_t imap_special_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof imap_usual_names / sizeof imap_usual_names[0]; i++)
        if (text_equal_nocase(name, imap_usual_names[i].name))
            return imap_usual_names[i].use;
    return 0;
}
