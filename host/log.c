/* SPDX-License-Identifier: Apache-2.0 */
/* log.c - one event, one line. See log.h. */
#include <config.h>
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "buffer.h"
#include "cleanup.h"
#include "clock.h"
#include "journal.h"
#include "loader-plugin.h"
#include "progress.h"
#include "secret.h"
#include "secret-shadow.h"
#include "text.h"

static const char *log_level_name(uint32_t level)
{
    return level <= LOADER_LOG_ERROR     ? "error"
           : level <= LOADER_LOG_WARNING ? "warning"
           : level <= LOADER_LOG_INFO    ? "info"
                                         : "debug";
}

/* "warning: " before the text; nothing before the one that a command ends with. */
static int log_append_plain(struct buffer *out, const struct log *log, uint32_t level,
                            const char *text)
{
    int bad = buffer_append_text(out, "mailchute: ");
    if (level > LOADER_LOG_ERROR)
        bad |= buffer_printf(out, "%s: ", log_level_name(level));
    if (log->source != NULL)
        bad |= text_append_printable(out, log->source, strlen(log->source), LOG_LINE_MAX / 8) |
               buffer_append_text(out, ": ");
    return bad | text_append_printable(out, text, strlen(text), LOG_LINE_MAX / 4);
}

/* In quotes, so that a text cannot pass for another key. JSON and logfmt quote alike what is left
 * when all that is not printable is gone. */
static int log_append_quoted(struct buffer *out, const char *text)
{
    AUTO_DONE(buffer) clean;
    buffer_init(&clean, LOG_LINE_MAX * 4);
    int bad = text_append_printable(&clean, text, strlen(text), LOG_LINE_MAX / 4);
    bad |= buffer_append_byte(out, '"');
    for (const char *at = buffer_text(&clean); *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            bad |= buffer_append_byte(out, '\\');
        bad |= buffer_append_byte(out, (uint8_t)*at);
    }
    return bad | buffer_append_byte(out, '"');
}

static int log_append_fields(struct buffer *out, const struct log *log, uint32_t level,
                             const char *text)
{
    bool json = log->format == LOG_JSON;
    char now[CLOCK_RFC3339_MAX];
    clock_rfc3339(clock_unix_s(clock_system()), 0, now);
    int bad = buffer_printf(out, json ? "{\"time\":\"%s\",\"level\":\"%s\"" : "time=%s level=%s",
                            now, log_level_name(level));
    if (log->source != NULL)
        bad |= buffer_append_text(out, json ? ",\"source\":" : " source=") |
               log_append_quoted(out, log->source);
    bad |= buffer_append_text(out, json ? ",\"msg\":" : " msg=") | log_append_quoted(out, text);
    return json ? bad | buffer_append_byte(out, '}') : bad;
}

/* -1: it is to be told elsewhere. */
static int log_to_journal(const struct log *log, uint32_t level, const char *text)
{
    char priority[16];
    AUTO_DONE(buffer) fields;
    buffer_init(&fields, LOG_LINE_MAX * 8);
    if (log->format != LOG_AUTO || log->journal <= 0)
        return -1;
    (void)snprintf(priority, sizeof priority, "%u", (unsigned)level); /* they are those of syslog */
    int bad = journal_append_field(&fields, "MESSAGE", text) |
              journal_append_field(&fields, "PRIORITY", priority) |
              journal_append_field(&fields, "SYSLOG_IDENTIFIER", PACKAGE_NAME);
    if (log->source != NULL)
        bad |= journal_append_field(&fields, "MAILCHUTE_SOURCE", log->source);
    return bad < 0 ? -1 : journal_send(log->journal, &fields);
}

static void log_write(const struct log *log, const char *line, size_t size)
{
    if (log->progress != NULL)
        progress_hide(log->progress);
    ssize_t written = write(log->fd, line, size);
    (void)written; /* where could that be told? */
}

/* In whatever format, that there is no memory is told in this one. */
static void log_without_memory(const struct log *log, const char *text)
{
    char shown[LOG_LINE_MAX / 4], line[LOG_LINE_MAX];
    text_printable(shown, sizeof shown, text, strlen(text));
    int size = snprintf(line, sizeof line, "mailchute: %s\n", shown);
    log_write(log, line, (size_t)size);
}

void log_hide(const struct log *log, char *text)
{
    if (log->secret != NULL)
        secret_hide(log->secret, text);
    if (log->shadow != NULL)
        secret_shadow_hide(log->shadow, text);
}

static void log_line(const struct log *log, uint32_t level, const char *text)
{
    char whole[LOG_LINE_MAX], clean[LOG_LINE_MAX / 4];
    text_copy(whole, sizeof whole, text);
    log_hide(log, whole); /* before the cut: a secret in part is not known */
    text_copy(clean, sizeof clean, whole);
    if (log_to_journal(log, level, clean) == 0)
        return;
    AUTO_DONE(buffer) line;
    buffer_init(&line, LOG_LINE_MAX * 8);
    int bad = log->format == LOG_PLAIN ? log_append_plain(&line, log, level, clean)
                                       : log_append_fields(&line, log, level, clean);
    if (bad < 0 || buffer_append_byte(&line, '\n') < 0)
        log_without_memory(log, clean);
    else
        log_write(log, buffer_text(&line), line.len);
}

void log_open_journal(struct log *log)
{
    int journal = journal_reads(log->fd) ? journal_connect(JOURNAL_SOCKET) : -1;
    log->journal = journal < 0 ? 0 : journal;
}

void log_event(void *context, uint32_t level, const char *text)
{
    const struct log *log = context;
    if (level <= log->level && text != NULL)
        log_line(log, level, text);
}

void log_error(const struct log *log, const struct error *err)
{
    log_line(log, LOADER_LOG_ERROR, err->text);
}

PRINTF_LIKE(3, 0)
static void log_own(const struct log *log, uint32_t level, const char *fmt, va_list args)
{
    char text[ERROR_TEXT_MAX];
    (void)vsnprintf(text, sizeof text, fmt, args);
    if (log->level >= level)
        log_line(log, level, text);
}

void log_info(const struct log *log, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_own(log, LOADER_LOG_INFO, fmt, args);
    va_end(args);
}

void log_warning(const struct log *log, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_own(log, LOADER_LOG_WARNING, fmt, args);
    va_end(args);
}
