/* SPDX-License-Identifier: Apache-2.0 */
/* filename.h - names of attachments that a file system, a terminal and a person can trust. */
#ifndef MAILCHUTE_MIME_FILENAME_H
#define MAILCHUTE_MIME_FILENAME_H

/** filename_clean - @name (UTF-8) as one safe component of a path, 1..MAIL_FILENAME_MAX bytes: what
 * stands before the last '/' or '\' goes, control characters and marks nobody sees (bidirectional,
 * zero width) go, reserved names of Windows get a '_' in front, spaces around it and dots at the
 * end go; a long name is cut at a character before its extension. Yours: free(). "" when nothing is
 * left: give it a name of your own. NULL only out of memory. */
char *filename_clean(const char *name);

/** filename_extension - ".pdf" for "application/pdf" (lower case); ".bin" when unknown. Static. */
const char *filename_extension(const char *content_type);

#endif
