/* SPDX-License-Identifier: Apache-2.0 */
/* temporary.h - files without a name: they go with the last who has them open, so that nothing is
 * left behind, whatever ends the program. */
#ifndef MAILCHUTE_HOST_TEMPORARY_H
#define MAILCHUTE_HOST_TEMPORARY_H

/** temporary_file - a new one in @folder; NULL: $TMPDIR, or /tmp. -1: errno tells why. */
int temporary_file(const char *folder);

#endif
