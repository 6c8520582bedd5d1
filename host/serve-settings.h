/* SPDX-License-Identifier: Apache-2.0 */
/* serve-settings.h - the daemon's settings: one table, from which the file is read, the sample
 * configuration is printed, and the manual page mailchute.conf(5) is checked.
 *
 * A file has a setting a line, `name = value`; '#' begins a comment line. Unknown names, values
 * that are none and settings given twice are errors that tell file, line and the nearest name. */
#ifndef MAILCHUTE_HOST_SERVE_SETTINGS_H
#define MAILCHUTE_HOST_SERVE_SETTINGS_H

#include <stdint.h>

#include "buffer.h"
#include "error.h"
#include "log.h"
#include "retry.h"

#define SERVE_LINE_MAX 4096u      /* bytes of a line of the file */
#define SERVE_FILE_MAX (1u << 20) /* bytes of the file */
#define SERVE_TEXT_MAX 1024u      /* of a value */

struct serve_settings {
    char queue[SERVE_TEXT_MAX];  /* URL, "" = the default one */
    char listen[SERVE_TEXT_MAX]; /* "127.0.0.1:8425", "" = nowhere */
    uint64_t web, web_proxy, private_hosts; /* 0 or 1 */
    uint64_t web_proxy_header; /* enum http_forwarded */
    uint64_t web_plain, metrics_open;
    char web_hosts[SERVE_TEXT_MAX], web_ports[SERVE_TEXT_MAX], web_proxy_address[SERVE_TEXT_MAX];
    char web_certificate[SERVE_TEXT_MAX], web_key[SERVE_TEXT_MAX];
    uint64_t workers, logins_per_host;
    uint64_t retry_first_ms, retry_max_ms, retry_person_ms, retry_refused_ms, refused_tries;
    uint64_t silence_ms;
    uint64_t hooks; /* told at the same time */
    uint64_t hook_timeout_ms, hook_tries, hook_retry_first_ms, hook_retry_max_ms;
    char hook_ca_file[SERVE_TEXT_MAX]; /* "": the system's */
    uint64_t log_level;  /* enum loader_log_level */
    uint64_t log_format; /* enum log_format */
};

/** serve_settings_init - the defaults. */
void serve_settings_init(struct serve_settings *settings);

/** serve_settings_read - over the defaults, what file @path says; @settings is untouched on
 * failure. */
int serve_settings_read(struct serve_settings *settings, const char *path, struct error *err);

/** serve_settings_parse - the same of @text, which comes from @path. */
int serve_settings_parse(struct serve_settings *settings, const char *text, const char *path,
                         struct error *err);

/** serve_settings_append_sample - a file with every setting, its help, and its default commented
 * out. */
int serve_settings_append_sample(struct buffer *out);

struct retry_limits serve_settings_limits(const struct serve_settings *settings);

#endif
