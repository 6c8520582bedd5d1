/* SPDX-License-Identifier: Apache-2.0 */
/* imap-pattern.h - lists of folders as users write them: "INBOX,Projects/%,*Invoice*".
 *
 * Names and patterns stand between commas; spaces around them are trimmed; a comma that belongs to
 * a name is written twice. '*' stands for any characters, '%' for any but '/' (as in LIST, RFC 9051
 * s.6.3.9); all else stands for itself. '/' parts levels, whatever the server's separator. INBOX as
 * first level is the same in any case of letters. Pure; any thread. */
#ifndef MAILCHUTE_LOADER_IMAP_PATTERN_H
#define MAILCHUTE_LOADER_IMAP_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

#define IMAP_PATTERNS_MAX 500u
#define IMAP_PATTERN_MAX 1000u /* bytes of one */

struct imap_pattern {
    char *text; /* INBOX in capitals */
    bool exact; /* a name: it has neither '*' nor '%' */
};

struct imap_patterns {
    struct imap_pattern *items;
    size_t count;
};

/** imap_patterns_read - NULL is the empty list. *out is overwritten; yours: imap_patterns_done(),
 * after a failure too. ERROR_USAGE when a name between two commas is missing, too long, or there
 * are more than IMAP_PATTERNS_MAX. */
int imap_patterns_read(const char *text, struct imap_patterns *out, struct error *err);
void imap_patterns_done(struct imap_patterns *patterns);

/** imap_patterns_adapt - the server's own separator, which no name has in a level, is as good as
 * '/' from here on, behind INBOX too. '\0': the server has no levels. */
void imap_patterns_adapt(struct imap_patterns *patterns, char delimiter);

/** imap_pattern_matches - is this folder meant? @path as in imap-folder.h. Time: the product of the
 * two lengths at most. */
bool imap_pattern_matches(const struct imap_pattern *pattern, const char *path);

/* What a folder may be for, in the words of skipSpecial. */
#define IMAP_SPECIAL_WORDS "Junk, Trash, Drafts, Flagged, Important, Sent, Archive, All"

/** imap_special_read - "Junk,Trash" or "None" as IMAP_LIST_*. ERROR_USAGE with the nearest word. */
int imap_special_read(const char *text, uint32_t *out_uses, struct error *err);

/** imap_special_name - "Junk" for the lowest of these IMAP_LIST_* uses; static. */
const char *imap_special_name(uint32_t uses);

/** imap_special_by_name - what a folder is usually for that is called so (the last level of its
 * path), in the languages of common mail programs: IMAP_LIST_JUNK, _TRASH, _DRAFTS or 0. */
uint32_t imap_special_by_name(const char *name);

#endif
