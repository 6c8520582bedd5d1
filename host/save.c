/* SPDX-License-Identifier: Apache-2.0 */
/* save.c - write attachments into a folder, and never anywhere else. See save.h. */
#include <config.h>
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "text.h"
#include "write-all.h"

#define SAVE_EXTENSION_MAX 16u
#define SAVE_COPY_SIZE 65536u

struct save {
    struct loader_sink sink;
    char *folder, *inside; /* inside NULL: none */
    int folder_fd;         /* -1 until the first file */
    int fd;                /* of attachment @ordinal, -1: none is open */
    uint32_t ordinal;
    uint8_t begun[SAVE_ORDINALS_MAX / 8]; /* a bit for each attachment whose .part was made */
    struct error err;                     /* why the sink stopped */
};

static int save_cannot(const char *what, const char *where, struct error *err)
{
    char shown[128];
    text_printable(shown, sizeof shown, where, strlen(where));
    return error_set(err, ERROR_CREATE,
                     "%s '%s' cannot be made: %s; choose another folder, or make "
                     "room there",
                     what, shown, strerror(errno));
}

/* ---- Names ----------------------------------------------------------------------------------- */

/* U+200E/F, U+202A..U+202E, U+2066..U+2069 turn the order of what is shown; C1 steers terminals. */
static bool save_is_harmful(const uint8_t *at, size_t length)
{
    if (length == 1)
        return at[0] < 0x20 || at[0] == 0x7F || at[0] == '/' || at[0] == '\\';
    if (length == 2)
        return at[0] == 0xC2 && at[1] < 0xA0;
    if (length != 3 || at[0] != 0xE2)
        return length == 0;
    return (at[1] == 0x80 &&
            (at[2] == 0x8E || at[2] == 0x8F || (at[2] >= 0xAA && at[2] <= 0xAE))) ||
           (at[1] == 0x81 && at[2] >= 0xA6 && at[2] <= 0xA9);
}

void save_clean_name(const char *name, char *out, size_t size)
{
    const uint8_t *at = (const uint8_t *)name;
    size_t left = strlen(name), used = 0;
    while (left > 0) {
        size_t length = text_utf8_length(at, left);
        bool harmful = save_is_harmful(at, length);
        size_t step = length == 0 ? 1 : length, put = harmful ? 1 : length;
        if (used + put >= size)
            break;
        memcpy(out + used, harmful ? (const uint8_t *)"_" : at, put);
        used += put;
        at += step;
        left -= step;
    }
    out[used] = '\0';
    if (used == 0 || strcmp(out, ".") == 0 || strcmp(out, "..") == 0)
        text_copy(out, size, "_");
}

/* "<ordinal>-<filename>" in NAME_MAX bytes; of a long name the extension is kept. */
static void save_attachment_name(uint32_t ordinal, const char *filename, char out[SAVE_NAME_MAX])
{
    char clean[1024];
    save_clean_name(filename == NULL ? "_" : filename, clean, sizeof clean);
    int n = snprintf(out, SAVE_NAME_MAX, "%u-", ordinal);
    size_t room = SAVE_NAME_MAX - (size_t)n;
    const char *dot = strrchr(clean, '.');
    size_t tail = dot == NULL ? 0 : strlen(dot);
    if (strlen(clean) < room || tail == 0 || tail > SAVE_EXTENSION_MAX) {
        text_copy(out + n, room, clean);
        return;
    }
    text_copy(out + n, room - tail, clean);
    size_t used = strlen(out);
    memcpy(out + used, dot, tail + 1);
}

static void save_part_name(uint32_t ordinal, char out[SAVE_NAME_MAX])
{
    (void)snprintf(out, SAVE_NAME_MAX, ".%u.part", ordinal);
}

/* ---- Files ----------------------------------------------------------------------------------- */

static int save_make_folder(int at, const char *name, struct error *err)
{
    if (mkdirat(at, name, S_IRWXU) < 0 && errno != EEXIST)
        return save_cannot("folder", name, err);
    /* What was asked for by the user may be a link; what lies inside may not. */
    int follow = at == AT_FDCWD ? 0 : O_NOFOLLOW;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
    return fd >= 0 ? fd : save_cannot("folder", name, err);
}

static int save_need_folder(struct save *save, struct error *err)
{
    if (save->folder_fd >= 0)
        return 0;
    AUTO_FD outer = save_make_folder(AT_FDCWD, save->folder, err);
    if (outer < 0)
        return -1;
    save->folder_fd =
        save->inside == NULL ? TAKE_FD(outer) : save_make_folder(outer, save->inside, err);
    return save->folder_fd < 0 ? -1 : 0;
}

static void save_close_file(struct save *save)
{
    cleanup_fd_at(&save->fd);
    save->fd = -1;
    save->ordinal = 0;
}

static bool save_has_begun(const struct save *save, uint32_t ordinal)
{
    return (save->begun[ordinal / 8] & (1u << (ordinal % 8))) != 0;
}

/* Make @ordinal the open file: a new one, or one that others came between. */
static int save_select(struct save *save, uint32_t ordinal, struct error *err)
{
    if (save->ordinal == ordinal)
        return 0;
    if (ordinal == 0 || ordinal >= SAVE_ORDINALS_MAX)
        return error_set(err, ERROR_BUG, "the loader hands out attachment %u, which cannot be; ask "
                         "its maker", ordinal);
    if (save_need_folder(save, err) < 0)
        return -1;
    save_close_file(save);
    char name[SAVE_NAME_MAX];
    save_part_name(ordinal, name);
    int how = save_has_begun(save, ordinal) ? O_APPEND : O_CREAT | O_EXCL;
    save->fd = openat(save->folder_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | how,
                      S_IRUSR | S_IWUSR);
    if (save->fd < 0)
        return save_cannot("file", name, err);
    save->begun[ordinal / 8] = (uint8_t)(save->begun[ordinal / 8] | (1u << (ordinal % 8)));
    save->ordinal = ordinal;
    return 0;
}

static int save_write(int fd, const uint8_t *bytes, uint64_t count, struct error *err)
{
    if (write_all(fd, bytes, (size_t)count) == 0)
        return 0;
    return error_set(err, ERROR_STORE, "an attachment cannot be written: %s; make room, or "
                     "choose another folder", strerror(errno));
}

static int save_attachment(void *context, uint32_t ordinal, const uint8_t *bytes, uint64_t count)
{
    struct save *save = context;
    if (save_select(save, ordinal, &save->err) < 0 ||
        save_write(save->fd, bytes, count, &save->err) < 0)
        return -1;
    return 0;
}

static int save_name_one(const struct save *save, uint32_t ordinal, const char *filename,
                         struct error *err)
{
    char part[SAVE_NAME_MAX], name[SAVE_NAME_MAX];
    save_part_name(ordinal, part);
    save_attachment_name(ordinal, filename, name);
    if (linkat(save->folder_fd, part, save->folder_fd, name, 0) < 0 &&
        renameat2(save->folder_fd, part, save->folder_fd, name, RENAME_NOREPLACE) < 0)
        return save_cannot("file", name, err);
    unlinkat(save->folder_fd, part, 0);
    return 0;
}

int save_finish(struct save *save, const struct loader_mail *mail, struct error *err)
{
    save_close_file(save);
    if (save->err.class != ERROR_NONE) {
        *err = save->err;
        return -1;
    }
    for (uint64_t i = 0; mail != NULL && i < mail->attachment_count; i++) {
        uint32_t ordinal = (uint32_t)i + 1;
        if (ordinal < SAVE_ORDINALS_MAX && save_has_begun(save, ordinal) &&
            save_name_one(save, ordinal, mail->attachments[i].filename, err) < 0)
            return -1;
    }
    return 0;
}

int save_file(struct save *save, const char *name, int from, struct error *err)
{
    if (save_need_folder(save, err) < 0)
        return -1;
    AUTO_FD to = openat(save->folder_fd, name,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (to < 0)
        return save_cannot("file", name, err);
    uint8_t bytes[SAVE_COPY_SIZE];
    off_t at = 0;
    for (;;) {
        ssize_t n = pread(from, bytes, sizeof bytes, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERROR_STORE,
                             "the raw message cannot be read: %s; check the queue's "
                             "disk",
                             strerror(errno));
        if (n == 0)
            return 0;
        if (save_write(to, bytes, (uint64_t)n, err) < 0)
            return -1;
        at += n;
    }
}

/* ---- The struct ------------------------------------------------------------------------------ */

int save_open(const char *folder, const char *inside, struct save **out_save, struct error *err)
{
    AUTO(save) save = calloc(1, sizeof *save);
    if (save == NULL)
        return error_oom(err, "getting ready to save");
    save->folder_fd = -1;
    save->fd = -1;
    save->folder = strdup(folder);
    save->inside = inside == NULL ? NULL : strdup(inside);
    if (save->folder == NULL || (inside != NULL && save->inside == NULL))
        return error_oom(err, "getting ready to save");
    save->sink = (struct loader_sink){
        .struct_size = sizeof save->sink, .context = save, .attachment = save_attachment};
    *out_save = TAKE(save);
    return 0;
}

const struct loader_sink *save_sink(struct save *save)
{
    return &save->sink;
}

void save_free(struct save *save)
{
    if (save == NULL)
        return;
    save_close_file(save);
    for (uint32_t ordinal = 1; save->folder_fd >= 0 && ordinal < SAVE_ORDINALS_MAX; ordinal++) {
        char name[SAVE_NAME_MAX];
        save_part_name(ordinal, name);
        if (save_has_begun(save, ordinal))
            unlinkat(save->folder_fd, name, 0);
    }
    cleanup_fd_at(&save->folder_fd);
    free(save->folder);
    free(save->inside);
    free(save);
}
