/* SPDX-License-Identifier: Apache-2.0 */
/* nameless.c - see nameless.h. */
#include <config.h>
#include "nameless.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "buffer.h"
#include "cleanup.h"

static int open_for_a_moment(const char *dir)
{
    AUTO_DONE(buffer) path;
    buffer_init(&path, SIZE_MAX);
    if (buffer_append_text(&path, dir) < 0 || buffer_append_text(&path, "/.mailchute-XXXXXX") < 0) {
        errno = ENOMEM;
        return -1;
    }
    int fd = mkostemp(path.data, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path.data);
    return fd;
}

int nameless_open(const char *dir, int flags)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600);
    if (fd < 0 && errno == EINVAL && flags != 0)
        fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = open_for_a_moment(dir);
    return fd;
}

const char *nameless_folder(const char *dir)
{
    const char *temporary = secure_getenv("TMPDIR");
    if (dir != NULL && dir[0] != '\0')
        return dir;
    return temporary != NULL && temporary[0] == '/' ? temporary : "/tmp";
}
