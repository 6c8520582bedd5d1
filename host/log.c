/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - one event, one line. See log.h. */
#include <config.h>
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loader-plugin.h"
#include "progress.h"
#include "secret.h"
#include "text.h"

static void log_line(const struct log *log, const char *word, const char *text)
{
    char clean[LOG_LINE_MAX - 64], line[LOG_LINE_MAX];
    text_copy(clean, sizeof clean, text);
    if (log->secret != NULL)
        secret_hide(log->secret, clean);
    char shown[sizeof clean];
    text_printable(shown, sizeof shown, clean, strlen(clean));
    int n = snprintf(line, sizeof line, "mailchute: %s%s\n", word, shown);
    if (log->progress != NULL)
        progress_hide(log->progress);
    ssize_t written = write(log->fd, line, (size_t)n);
    (void)written; /* where could that be told? */
}

void log_event(void *context, uint32_t level, const char *text)
{
    const struct log *log = context;
    if (level > log->level || text == NULL)
        return;
    log_line(log, level <= LOADER_LOG_ERROR     ? ""
                  : level <= LOADER_LOG_WARNING ? "warning: "
                  : level <= LOADER_LOG_INFO    ? "info: "
                                                : "debug: ", text);
}

void log_error(const struct log *log, const struct error *err)
{
    log_line(log, "", err->text);
}

void log_warning(const struct log *log, const char *fmt, ...)
{
    char text[ERROR_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (log->level >= LOADER_LOG_WARNING)
        log_line(log, "warning: ", text);
}
