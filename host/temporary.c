/* SPDX-License-Identifier: Apache-2.0 */
/* temporary.c - files without a name. See temporary.h. */
#include <config.h>
#include "temporary.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cleanup.h"

/* A file system without O_TMPFILE: the name is there for a moment only. */
static int temporary_named(const char *folder)
{
    AUTO_TEXT path = NULL;
    if (asprintf(&path, "%s/.mailchute-XXXXXX", folder) < 0) {
        path = NULL;
        errno = ENOMEM;
        return -1;
    }
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        (void)unlink(path);
    return fd;
}

int temporary_file(const char *folder)
{
    if (folder == NULL)
        folder = secure_getenv("TMPDIR");
    if (folder == NULL || folder[0] != '/')
        folder = "/tmp";
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL))
        fd = temporary_named(folder);
    return fd;
}
