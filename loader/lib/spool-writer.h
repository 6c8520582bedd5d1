/* SPDX-License-Identifier: Apache-2.0 */
/* spool-writer.h - the files of spools, written block by block while their next bytes are received.
 *
 *   who receives ── block ──> blocks on their way (SPOOL_BLOCKS) ──> file
 *                                        SPOOL_THREADS of the writer's
 *
 * Waiting for the disk takes as long as receiving; a writer lets both go on side by side, over the
 * end of one message into the next. It has some threads, since a disk takes two or three times as
 * much from several that wait for it as from one. What is on its way is bounded: then whoever fills
 * blocks waits, so that a slow disk slows the server. The threads are begun with the first block;
 * where none can be had, and in a writer that was made without, the caller does the work.
 *
 * Blocks go past the page cache (O_DIRECT), in which nobody looks for them again: that spares a
 * copy of every byte (0.25 instead of 1.0 s of processor time for 786 MB) and leaves little to do
 * for whoever flushes the file. A short one, and all of them on a file system that knows no
 * O_DIRECT, are written in the common way.
 *
 * A writer is for one thread, which fills one block at a time. A file may be waited for, and done
 * with, in another, also when the writer is gone. */
#ifndef MAILCHUTE_LOADER_LIB_SPOOL_WRITER_H
#define MAILCHUTE_LOADER_LIB_SPOOL_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "cleanup.h"

#define SPOOL_BLOCK (256u * 1024) /* bytes of a block, and of one write */
#define SPOOL_THREADS 3u
#define SPOOL_BLOCKS (SPOOL_THREADS + 1) /* of a writer with threads; without it has one */

/* A file on its way. */
struct spool_file {
    int fd;     /* -1: there is none */
    off_t size; /* of what was put so far */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    /* Under lock: */
    bool direct;        /* O_DIRECT is on */
    unsigned int going; /* blocks on their way */
    int why;            /* errno of the first that was not written, 0: none */
};

void spool_file_init(struct spool_file *file);

/** spool_file_wait - until nothing is on its way: 0, or the errno of what failed. */
int spool_file_wait(struct spool_file *file);

/** spool_file_done - waits, and closes it. */
void spool_file_done(struct spool_file *file);

/** spool_file_end_direct - from here on through the page cache: any buffer will do. */
void spool_file_end_direct(struct spool_file *file);

struct spool_writer;

/** spool_writer_new - @threads: work beside the caller. Yours. NULL: out of memory. */
struct spool_writer *spool_writer_new(bool threads);
void spool_writer_free(struct spool_writer *writer); /* writes what is on its way first */
AUTO_DEFINE(spool_writer, spool_writer_free);

/** spool_writer_block - SPOOL_BLOCK bytes to be filled, once one is free. It is given back by
 * spool_writer_put() or spool_writer_drop(). NULL: out of memory. */
uint8_t *spool_writer_block(struct spool_writer *writer);
void spool_writer_drop(struct spool_writer *writer, uint8_t *block);

/** spool_writer_put - the first @count bytes of @block are the next ones of @file. Whether that
 * went well tells spool_file_wait(), and at once, as far as it is known: 0, or an errno. */
int spool_writer_put(struct spool_writer *writer, struct spool_file *file, uint8_t *block,
                     size_t count);

#endif
