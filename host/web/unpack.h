/* SPDX-License-Identifier: Apache-2.0 */
/* unpack.h - room for attachments that are unpacked to be sent.
 *
 * A message is kept as it came; an attachment of it is decoded into a file for whoever asks, in the
 * queue's own spool folder. The file has no name: it goes with the last who has it open, so that
 * nothing is left behind, whatever ends the program. What may be unpacked at the same time is
 * bounded, and what the queue keeps free of its disk stays free: mail goes before downloads.
 *
 * Any thread. */
#ifndef MAILCHUTE_HOST_WEB_UNPACK_H
#define MAILCHUTE_HOST_WEB_UNPACK_H

#include <stdint.h>

#include "cleanup.h"
#include "error.h"

#define UNPACK_MAX (256u << 20)  /* bytes at the same time; a larger attachment is unpacked alone */
#define UNPACK_RESERVE (512u << 20) /* of the disk stays free, ... */
#define UNPACK_RESERVE_PART 20u     /* ... or this part of it, where that is more */

struct unpack;
int unpack_new(struct unpack **out_unpack, struct error *err);
void unpack_free(struct unpack *unpack); /* NULL is fine */
AUTO_DEFINE(unpack, unpack_free);

/** unpack_file - a new file without a name in @folder, NULL: $TMPDIR or /tmp. -1: failed. */
int unpack_file(const char *folder, struct error *err);

/** unpack_take - room for @size bytes in @fd. ERROR_PAUSE: others have too much of it just now;
 * ERROR_STORE: the disk has not enough. */
int unpack_take(struct unpack *unpack, int fd, uint64_t size, struct error *err);

/** unpack_release - what unpack_take() gave; @unpack is a void * for whom calls back. */
void unpack_release(void *unpack, uint64_t size);

#endif
