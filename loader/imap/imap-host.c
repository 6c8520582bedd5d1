/* SPDX-License-Identifier: Apache-2.0 */
/* imap-host.c - a line for the log. See imap-host.h. */
#include <config.h>
#include "imap-host.h"

#include <stdarg.h>
#include <stdio.h>

#define IMAP_LOG_LINE_MAX 1024

void imap_host_log(const struct imap_host *host, enum imap_log level, const char *fmt, ...)
{
    char text[IMAP_LOG_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    host->log(host->context, level, text);
}
