/* SPDX-License-Identifier: Apache-2.0 */
/* filed-plugin.c - a loader whose texts lie in files, and not in the memory that its pointers tell
 * of: whoever looks there dies.
 *
 * Its connection string is the path of a file; that is its one message, with all of the file as
 * message_body and as html. With FILED_PLUGIN=memory in the environment the texts lie in memory
 * alone: for a host it is the same message. */
#include "loader-plugin.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct filed {
    struct loader_host host;
    int fd, handed;
    char *text; /* size + 1 bytes: the text, or nothing that could be read */
    size_t size;
    struct loader_mail mail;
    struct loader_item item;
};

static int filed_fail(struct loader_error *err, uint32_t error_class, const char *text)
{
    err->error_class = error_class;
    (void)snprintf(err->text, sizeof err->text, "%s; go on", text);
    return -1;
}

static void filed_close(void *handle)
{
    struct filed *filed = handle;
    if (filed == NULL)
        return;
    if (filed->text != NULL)
        (void)munmap(filed->text, filed->size + 1);
    if (filed->fd >= 0)
        (void)close(filed->fd);
    free(filed);
}

static void filed_fill(struct filed *filed)
{
    const char *where = getenv("FILED_PLUGIN");
    int in_memory = where != NULL && strcmp(where, "memory") == 0;
    filed->mail = (struct loader_mail){.struct_size = sizeof filed->mail,
                                       .subject = "filed",
                                       .message_body = filed->text,
                                       .html = filed->text};
    if (in_memory && mprotect(filed->text, filed->size + 1, PROT_READ | PROT_WRITE) == 0 &&
        pread(filed->fd, filed->text, filed->size, 0) == (ssize_t)filed->size)
        return;
    filed->mail.message_body_file = filed->mail.html_file =
        (struct loader_text_file){.size = filed->size, .fd = filed->fd};
}

/* Takes @fd, also when it fails. */
static int filed_new(const struct loader_host *host, int fd, struct filed **out_filed,
                     struct loader_error *err)
{
    struct stat info;
    struct filed *filed = calloc(1, sizeof *filed);
    if (filed == NULL || fd < 0 || fstat(fd, &info) < 0) {
        free(filed);
        if (fd >= 0)
            (void)close(fd);
        return filed_fail(err, LOADER_ERROR_CONFIG, "there is no such file");
    }
    memcpy(&filed->host, host, host->struct_size < sizeof *host ? host->struct_size : sizeof *host);
    filed->fd = fd;
    filed->size = (size_t)info.st_size;
    void *text = mmap(NULL, filed->size + 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (text == MAP_FAILED) {
        filed_close(filed);
        return filed_fail(err, LOADER_ERROR_BUG, "out of memory");
    }
    filed->text = text;
    filed_fill(filed);
    filed->item = (struct loader_item){.struct_size = sizeof filed->item,
                                       .token = 1,
                                       .item_class = "Mail",
                                       .origin = {"filed", "box", 0, 0, "the one"},
                                       .mail = &filed->mail,
                                       .raw_size = filed->size,
                                       .raw_fd = fd};
    *out_filed = filed;
    return 0;
}

static int filed_open(const struct loader_host *host, const struct loader_settings *settings,
                      void **out_handle, struct loader_error *err)
{
    struct filed *filed;
    if (filed_new(host, open(settings->connection, O_RDONLY | O_CLOEXEC), &filed, err) < 0)
        return -1;
    *out_handle = filed;
    return 0;
}

static enum loader_next filed_next(void *handle, const struct loader_item **out_item,
                                   struct loader_error *err)
{
    struct filed *filed = handle;
    struct loader_record record = {.origin = filed->item.origin};
    if (filed->handed++ > 0)
        return LOADER_NEXT_DRAINED;
    if (filed->host.known != NULL && filed->host.known(filed->host.context, &record, 1, err) < 0)
        return LOADER_NEXT_FAILED;
    *out_item = &filed->item;
    return record.step >= LOADER_STEP_STORED ? LOADER_NEXT_DRAINED : LOADER_NEXT_ITEM;
}

static int filed_settle(void *handle, const uint64_t *tokens, uint64_t count, uint32_t fate,
                        struct loader_error *err)
{
    (void)handle, (void)tokens, (void)count, (void)fate, (void)err;
    return 0;
}

static int filed_parse(const struct loader_host *host, const struct loader_settings *settings,
                       int32_t fd, const struct loader_sink *sink, void **out_handle,
                       const struct loader_item **out_item, struct loader_error *err)
{
    struct filed *filed;
    (void)settings, (void)sink;
    if (filed_new(host, fcntl(fd, F_DUPFD_CLOEXEC, 0), &filed, err) < 0)
        return -1;
    *out_handle = filed;
    *out_item = &filed->item;
    return 0;
}

const struct loader_plugin *mailchute_loader_plugin(void)
{
    static const struct loader_plugin plugin = {
        LOADER_PLUGIN_HEAD,     .name = "Filed",
        .version = "1.0",       .summary = "a file as the text of a message",
        .open = filed_open,     .next = filed_next,
        .settle = filed_settle, .close = filed_close,
        .parse = filed_parse};
    return &plugin;
}
