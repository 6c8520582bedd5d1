/* SPDX-License-Identifier: Apache-2.0 */
/* fault.c - see fault.h. No state of its own: a host and its plug-ins each have this code. */
#include <config.h>
#include "fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"

#ifdef FAULT_INJECTION

/* Add the record; returns how many there are now, 0 where none is kept. */
static unsigned long fault_record(const char *path, const char *name)
{
    char record[FAULT_RECORD];
    size_t len = strnlen(name, sizeof record - 1);
    memset(record, ' ', sizeof record);
    memcpy(record, name, len);
    record[sizeof record - 1] = '\n';
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, record, sizeof record) != (ssize_t)sizeof record)
        return 0;
    off_t end = lseek(fd, 0, SEEK_CUR);
    return end < 0 ? 0 : (unsigned long)end / FAULT_RECORD;
}

void fault_point(const char *fmt, ...)
{
    char name[FAULT_RECORD];
    va_list args;
    const char *path = getenv("MAILCHUTE_FAULT_TRACE");
    const char *at = getenv("MAILCHUTE_FAULT_AT");
    if (path == NULL)
        return;
    va_start(args, fmt);
    (void)vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    int kept = errno; /* a point changes nothing */
    unsigned long number = fault_record(path, name);
    errno = kept;
    if (number > 0 && at != NULL && number == strtoul(at, NULL, 10))
        _exit(FAULT_EXIT);
}

#else
typedef int fault_none; /* ISO C wants something here */
#endif
