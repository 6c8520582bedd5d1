/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - one event, one line on standard error: printable text only, never the secret.
 *
 *     LOG_PLAIN   mailchute: warning: office: ...         for people
 *     LOG_LOGFMT  time=... level=warning source=office msg="..."
 *     LOG_JSON    {"time":"...","level":"warning","source":"office","msg":"..."}
 *     LOG_AUTO    where that is systemd's journal: MESSAGE, PRIORITY, MAILCHUTE_SOURCE as fields
 *                 of its own (log_open_journal()); else as LOG_LOGFMT
 *
 * The levels are those of enum loader_log_level. A line is one write(2), so that lines of several
 * threads do not mix. */
#ifndef MAILCHUTE_HOST_LOG_H
#define MAILCHUTE_HOST_LOG_H

#include <stdint.h>

#include "error.h"

struct progress;
struct secret;
struct secret_shadow;

#define LOG_LINE_MAX 2048 /* bytes of one line */

enum log_format { LOG_PLAIN, LOG_LOGFMT, LOG_JSON, LOG_AUTO };

struct log {
    int fd;         /* borrowed */
    enum log_format format;
    int journal;    /* for LOG_AUTO, 0: there is none. Open to the end */
    const char *source; /* which one it is about, NULL: none */
    uint32_t level; /* events of a higher number are dropped */
    const struct secret *secret; /* taken out of every text; NULL: there is none */
    const struct secret_shadow *shadow; /* the same, where the secret itself is not kept */
    struct progress *progress;   /* taken from the screen before a line, NULL: there is none */
};

/** log_open_journal - set journal, if fd leads there. Before any thread: it reads the environment.
 */
void log_open_journal(struct log *log);

/** log_hide - take out of @text, in place, what is taken out of every line: for texts that go
 * elsewhere. */
void log_hide(const struct log *log, char *text);

/** log_event - write @text when @level is wanted. @context is a struct log: fits
 * loader_host.log. */
void log_event(void *context, uint32_t level, const char *text);

/** log_error - the one line that a command which fails ends with; whatever the level is. */
void log_error(const struct log *log, const struct error *err);

/** log_info, log_warning - the host's own. */
void log_info(const struct log *log, const char *fmt, ...) PRINTF_LIKE(2, 3);
void log_warning(const struct log *log, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
