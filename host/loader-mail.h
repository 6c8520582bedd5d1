/* SPDX-License-Identifier: Apache-2.0 */
/* loader-mail.h - what a loader tells of a mail, however old the loader is, and its large texts
 * where they lie in files (struct loader_text_file).
 *
 * A loader is not believed blindly: a file that is none, or holds less than was told, is an error
 * of its loader (ERROR_BUG), one that cannot be read is one of the disk (ERROR_STORE). Neither is
 * the mail's. */
#ifndef MAILCHUTE_HOST_LOADER_MAIL_H
#define MAILCHUTE_HOST_LOADER_MAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "cleanup.h"
#include "error.h"
#include "loader-plugin.h"

/** loader_mail_is_good - it has all fields of version 1.0; NULL, no mail at all, is good. */
bool loader_mail_is_good(const struct loader_mail *mail);

/** loader_mail_read - the fields of a good one that there are; those that @theirs ends before, and
 * all of NULL, are zero. What they point to stays the loader's. */
struct loader_mail loader_mail_read(const struct loader_mail *theirs);

/** loader_mail_memory - bytes of memory that a good one takes, about: its texts (of those in files
 * a piece) and all else, of which a thousand addresses are more than many a text. Its content takes
 * more where much of it is escaped. */
size_t loader_mail_memory(const struct loader_mail *mail);

/* ---- A text in a file ------------------------------------------------------------------------ */

#define LOADER_TEXT_PIECE 65536u /* bytes that are read at once */
#define LOADER_TEXT_AHEAD 3u     /* of them come again in the next piece: no character is divided */

struct loader_text;

/** loader_text_open - read @file, whose size is not 0, from its start. *out_text is yours:
 * loader_text_free(). */
int loader_text_open(const struct loader_text_file *file, struct loader_text **out_text,
                     struct error *err);
void loader_text_free(struct loader_text *text); /* NULL is fine */
AUTO_DEFINE(loader_text, loader_text_free);

/* What comes next. A NUL, which no text has, comes as the byte 0xFF, which is no UTF-8. */
struct loader_text_piece {
    const char *bytes; /* NUL behind them; borrowed until the next call */
    size_t count;      /* 0: the text is at its end */
    bool last;         /* the text ends with these; else there are LOADER_TEXT_PIECE of them */
};

/** loader_text_next - the piece behind the first @used bytes of the one before (0 at the start). */
int loader_text_next(struct loader_text *text, size_t used, struct loader_text_piece *out_piece,
                     struct error *err);

#endif
