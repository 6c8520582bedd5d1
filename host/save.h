/* SPDX-License-Identifier: Apache-2.0 */
/* save.h - write a message's attachments into a folder, and never anywhere else.
 *
 * A file is called <ordinal>-<filename>. Names come from strangers: whatever could lead out of the
 * folder or fool a reader (separators, controls, bidi marks, bytes that are no UTF-8) becomes "_".
 * Files are new ones (O_EXCL, no link is followed): nothing is overwritten. While they are written
 * they are called .<ordinal>.part; what is not finished is removed. */
#ifndef MAILCHUTE_HOST_SAVE_H
#define MAILCHUTE_HOST_SAVE_H

#include <stdint.h>

#include "cleanup.h"
#include "error.h"
#include "loader-plugin.h"

#define SAVE_ORDINALS_MAX 65536u /* attachments of one message that can be saved */
#define SAVE_NAME_MAX 256u       /* bytes of a file name, NUL included */

struct save;

/** save_open - get ready to write into @folder, which is made (its parents must be there) with the
 * first file; NULL @inside, else the folder of that name inside @folder. Yours: save_free(). */
int save_open(const char *folder, const char *inside, struct save **out_save, struct error *err);
void save_free(struct save *save); /* removes what was not finished */
AUTO_DEFINE(save, save_free);

/** save_sink - for the loader's parse(): writes what it is given. Borrowed until save_free(). */
const struct loader_sink *save_sink(struct save *save);

/** save_finish - the message is read: give the files their names. When parse() failed because of
 * the sink, this tells why. */
int save_finish(struct save *save, const struct loader_mail *mail, struct error *err);

/** save_file - a new file @name with all bytes of @fd from offset 0. */
int save_file(struct save *save, const char *name, int fd, struct error *err);

/** save_clean_name - one harmless path component of @name, "_" when nothing is left. Pure. */
void save_clean_name(const char *name, char *out, size_t size);

#endif
