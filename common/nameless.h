/* SPDX-License-Identifier: Apache-2.0 */
/* nameless.h - files that are gone with whoever has them open. */
#ifndef MAILCHUTE_COMMON_NAMELESS_H
#define MAILCHUTE_COMMON_NAMELESS_H

/** nameless_open - a file without a name (O_TMPFILE) in the folder @dir, mode 0600, to be read and
 * written; where the file system knows no such files, one whose name is there for a moment only.
 * @flags: O_DIRECT or 0; it is left out where it is refused (fcntl(F_GETFL) tells). -1 with errno:
 * none can be made there. close() it. */
int nameless_open(const char *dir, int flags);

/** nameless_folder - @dir, or where it is NULL $TMPDIR (a path from the root), or /tmp. Borrowed
 * from either. */
const char *nameless_folder(const char *dir);

#endif
