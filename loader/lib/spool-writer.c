/* SPDX-License-Identifier: Apache-2.0 */
/* spool-writer.c - see spool-writer.h. */
#include <config.h>
#include "spool-writer.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define WRITER_ALIGN 4096u /* sectors: where direct writes begin, in memory and in the file */
#define WRITER_DIRECT_MIN (128u * 1024) /* bytes; less is not worth waiting for the disk */
#define WRITER_STACK (128u * 1024)      /* bytes */
_Static_assert(SPOOL_BLOCK % WRITER_ALIGN == 0, "a block is whole sectors");

struct writer_job {
    struct spool_file *file;
    uint8_t *block;
    off_t at; /* in the file */
    size_t count;
};

struct spool_writer {
    unsigned int most; /* blocks */
    unsigned int made; /* so far */
    bool wants_threads;
    unsigned int thread_count;
    pthread_t threads[SPOOL_THREADS];
    pthread_mutex_t lock;
    pthread_cond_t work, room;
    /* Under lock: */
    uint8_t *free[SPOOL_BLOCKS];
    unsigned int free_count;
    struct writer_job jobs[SPOOL_BLOCKS]; /* a ring, the next one @first */
    unsigned int first, job_count;
    bool stop;
};

/* ---- A file ---------------------------------------------------------------------------------- */

void spool_file_init(struct spool_file *file)
{
    *file = (struct spool_file){.fd = -1};
    pthread_mutex_init(&file->lock, NULL);
    pthread_cond_init(&file->idle, NULL);
}

int spool_file_wait(struct spool_file *file)
{
    pthread_mutex_lock(&file->lock);
    while (file->going > 0)
        pthread_cond_wait(&file->idle, &file->lock);
    int why = file->why;
    pthread_mutex_unlock(&file->lock);
    return why;
}

void spool_file_done(struct spool_file *file)
{
    (void)spool_file_wait(file);
    if (file->fd >= 0)
        (void)close(file->fd);
    file->fd = -1;
    pthread_mutex_destroy(&file->lock);
    pthread_cond_destroy(&file->idle);
}

void spool_file_end_direct(struct spool_file *file)
{
    pthread_mutex_lock(&file->lock);
    int flags = file->direct ? fcntl(file->fd, F_GETFL) : -1;
    if (flags >= 0)
        (void)fcntl(file->fd, F_SETFL, flags & ~O_DIRECT);
    file->direct = false;
    pthread_mutex_unlock(&file->lock);
}

/* What are whole sectors goes at once, if it is not little; what is left goes the common way. 0, or
 * an errno. */
static int spool_file_write(struct spool_file *file, const struct writer_job *job)
{
    pthread_mutex_lock(&file->lock);
    bool direct = file->direct;
    pthread_mutex_unlock(&file->lock);
    size_t done = 0, sectors = job->count - job->count % WRITER_ALIGN;
    if (direct && sectors >= WRITER_DIRECT_MIN) {
        ssize_t n = pwrite(file->fd, job->block, sectors, job->at);
        if (n < 0 && errno != EINVAL && errno != EINTR)
            return errno;
        done = n > 0 ? (size_t)n : 0;
    }
    if (done < job->count)
        spool_file_end_direct(file);
    while (done < job->count) {
        ssize_t n = pwrite(file->fd, job->block + done, job->count - done, job->at + (off_t)done);
        if (n == 0)
            return EIO; /* asking again might not end */
        if (n < 0 && errno != EINTR)
            return errno;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int spool_file_why(struct spool_file *file)
{
    pthread_mutex_lock(&file->lock);
    int why = file->why;
    pthread_mutex_unlock(&file->lock);
    return why;
}

/* Whoever waits may free the file as soon as the lock is let go. */
static void spool_file_came(struct spool_file *file, int why)
{
    pthread_mutex_lock(&file->lock);
    if (file->why == 0)
        file->why = why;
    if (--file->going == 0)
        pthread_cond_signal(&file->idle);
    pthread_mutex_unlock(&file->lock);
}

/* ---- The threads ----------------------------------------------------------------------------- */

static void writer_work(struct spool_writer *writer, const struct writer_job *job)
{
    int why = spool_file_why(job->file);
    if (why == 0)
        why = spool_file_write(job->file, job);
    spool_writer_drop(writer, job->block);
    spool_file_came(job->file, why);
}

static void *writer_main(void *context)
{
    struct spool_writer *writer = context;
    pthread_mutex_lock(&writer->lock);
    for (;;) {
        while (writer->job_count == 0 && !writer->stop)
            pthread_cond_wait(&writer->work, &writer->lock);
        if (writer->job_count == 0)
            break;
        struct writer_job job = writer->jobs[writer->first];
        writer->first = (writer->first + 1) % SPOOL_BLOCKS;
        writer->job_count--;
        pthread_mutex_unlock(&writer->lock);
        writer_work(writer, &job);
        pthread_mutex_lock(&writer->lock);
    }
    pthread_mutex_unlock(&writer->lock);
    return NULL;
}

/* The program's signals are for its own threads. */
static void writer_start(struct spool_writer *writer)
{
    sigset_t all, before;
    pthread_attr_t how;
    writer->wants_threads = false;
    if (pthread_attr_init(&how) != 0)
        return;
    (void)pthread_attr_setstacksize(&how, WRITER_STACK);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    while (writer->thread_count < SPOOL_THREADS &&
           pthread_create(&writer->threads[writer->thread_count], &how, writer_main, writer) == 0)
        writer->thread_count++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&how);
    if (writer->thread_count > 0)
        writer->most = SPOOL_BLOCKS;
}

static void writer_join(struct spool_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    writer->stop = true;
    pthread_cond_broadcast(&writer->work);
    pthread_mutex_unlock(&writer->lock);
    while (writer->thread_count > 0)
        (void)pthread_join(writer->threads[--writer->thread_count], NULL);
}

/* ---- Interface ------------------------------------------------------------------------------- */

struct spool_writer *spool_writer_new(bool threads)
{
    struct spool_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL)
        return NULL;
    writer->most = 1;
    writer->wants_threads = threads;
    pthread_mutex_init(&writer->lock, NULL);
    pthread_cond_init(&writer->work, NULL);
    pthread_cond_init(&writer->room, NULL);
    return writer;
}

void spool_writer_free(struct spool_writer *writer)
{
    if (writer == NULL)
        return;
    writer_join(writer);
    while (writer->free_count > 0)
        free(writer->free[--writer->free_count]);
    pthread_mutex_destroy(&writer->lock);
    pthread_cond_destroy(&writer->work);
    pthread_cond_destroy(&writer->room);
    free(writer);
}

uint8_t *spool_writer_block(struct spool_writer *writer)
{
    void *block = NULL;
    pthread_mutex_lock(&writer->lock);
    while (writer->free_count == 0 && writer->made == writer->most)
        pthread_cond_wait(&writer->room, &writer->lock);
    if (writer->free_count > 0)
        block = writer->free[--writer->free_count];
    pthread_mutex_unlock(&writer->lock);
    if (block != NULL)
        return block;
    if (posix_memalign(&block, WRITER_ALIGN, SPOOL_BLOCK) != 0)
        return NULL;
    writer->made++;
    return block;
}

void spool_writer_drop(struct spool_writer *writer, uint8_t *block)
{
    pthread_mutex_lock(&writer->lock);
    writer->free[writer->free_count++] = block;
    pthread_cond_signal(&writer->room);
    pthread_mutex_unlock(&writer->lock);
}

static void writer_add(struct spool_writer *writer, const struct writer_job *job)
{
    pthread_mutex_lock(&writer->lock);
    writer->jobs[(writer->first + writer->job_count++) % SPOOL_BLOCKS] = *job;
    pthread_cond_signal(&writer->work);
    pthread_mutex_unlock(&writer->lock);
}

int spool_writer_put(struct spool_writer *writer, struct spool_file *file, uint8_t *block,
                     size_t count)
{
    struct writer_job job = {.file = file, .block = block, .at = file->size, .count = count};
    file->size += (off_t)count;
    pthread_mutex_lock(&file->lock);
    file->going++;
    pthread_mutex_unlock(&file->lock);
    if (writer->wants_threads)
        writer_start(writer);
    if (writer->thread_count > 0)
        writer_add(writer, &job);
    else
        writer_work(writer, &job);
    return spool_file_why(file);
}
