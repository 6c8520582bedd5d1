/* SPDX-License-Identifier: Apache-2.0 */
/* serve-settings.c - the daemon's settings. See serve-settings.h. */
#include <config.h>
#include "serve-settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "http-forwarded.h"
#include "loader-plugin.h"
#include "options.h"
#include "suggest.h"
#include "text.h"

enum serve_type { SERVE_TEXT, SERVE_NUMBER, SERVE_DURATION, SERVE_CHOICE };

struct serve_row {
    const char *name;
    enum serve_type type;
    size_t offset;
    uint64_t least, most;     /* of a number, or of a duration in milliseconds */
    const char *choices;      /* "error|warning": their numbers are in numbers */
    const uint64_t *numbers;
    const char *standard;     /* the default, as it would be written */
    const char *help;
};

static const uint64_t serve_levels[] = {LOADER_LOG_ERROR, LOADER_LOG_WARNING, LOADER_LOG_INFO,
                                        LOADER_LOG_DEBUG};
static const uint64_t serve_switch[] = {0, 1};
static const uint64_t serve_headers[] = {HTTP_X_FORWARDED_FOR, HTTP_FORWARDED};
static const uint64_t serve_formats[] = {LOG_AUTO, LOG_PLAIN, LOG_LOGFMT, LOG_JSON};

#define FIELD(member) offsetof(struct serve_settings, member)
static const struct serve_row serve_rows[] = {
    {"queue", SERVE_TEXT, FIELD(queue), 0, 0, NULL, NULL, "",
     "The work queue, sqlite:FOLDER. Empty: /var/lib/mailchute for root, else below the home "
     "folder."},
    {"listen", SERVE_TEXT, FIELD(listen), 0, 0, NULL, NULL, "127.0.0.1:8425",
     "Address and port of /metrics, /livez, /readyz and /healthz. Empty: none."},
    {"web", SERVE_CHOICE, FIELD(web), 0, 0, "no|yes", serve_switch, "yes",
     "The REST interface is there as well, for users who sign in."},
    {"web-plain", SERVE_CHOICE, FIELD(web_plain), 0, 0, "no|yes", serve_switch, "no",
     "It listens without TLS, and without web-proxy, where other machines reach it: whoever is on "
     "the way reads passwords, sessions and mail."},
    {"metrics", SERVE_CHOICE, FIELD(metrics_open), 0, 0, "local|open", serve_switch, "local",
     "Who gets /metrics and /healthz?source=NAME. local: this machine, and who shows an API key; "
     "open: everybody."},
    {"web-hosts", SERVE_TEXT, FIELD(web_hosts), 0, 0, NULL, NULL, "",
     "Names, with spaces between, by which browsers may call it, besides localhost and its "
     "address."},
    {"web-certificate", SERVE_TEXT, FIELD(web_certificate), 0, 0, NULL, NULL, "",
     "PEM file with the certificate chain: TLS. Empty: without."},
    {"web-key", SERVE_TEXT, FIELD(web_key), 0, 0, NULL, NULL, "", "PEM file with its key."},
    {"web-proxy", SERVE_CHOICE, FIELD(web_proxy), 0, 0, "no|yes", serve_switch, "no",
     "A proxy in front does TLS: cookies go by TLS alone."},
    {"web-proxy-address", SERVE_TEXT, FIELD(web_proxy_address), 0, 0, NULL, NULL, "127.0.0.1 ::1",
     "With web-proxy: addresses and networks (10.0.0.0/8), with spaces between, of proxies that "
     "add for whom they ask. Empty: nobody is believed."},
    {"web-proxy-header", SERVE_CHOICE, FIELD(web_proxy_header), 0, 0, "X-Forwarded-For|Forwarded",
     serve_headers, "X-Forwarded-For", "Where they add it, last."},
    {"web-ports", SERVE_TEXT, FIELD(web_ports), 0, 0, NULL, NULL, "993 143",
     "Ports, with spaces between, that users of the REST interface may name."},
    {"private-hosts", SERVE_CHOICE, FIELD(private_hosts), 0, 0, "no|yes", serve_switch, "no",
     "They may name any port, and servers of this machine and of private networks."},
    {"workers", SERVE_NUMBER, FIELD(workers), 1, 256, NULL, NULL, "32",
     "Sources that are worked on at the same time, at most. One that waits for mail counts not."},
    {"logins-per-host", SERVE_NUMBER, FIELD(logins_per_host), 1, 256, NULL, NULL, "8",
     "Log-ins to one server at the same time. One on this machine (localhost) has no such limit."},
    {"retry-first", SERVE_DURATION, FIELD(retry_first_ms), 10, 900000, NULL, NULL, "1s",
     "After a broken link, the first pause; doubled each time, any part of it is taken."},
    {"retry-max", SERVE_DURATION, FIELD(retry_max_ms), 10, 86400000, NULL, NULL, "15min",
     "The longest pause."},
    {"retry-person", SERVE_DURATION, FIELD(retry_person_ms), 10, 86400000, NULL, NULL, "1min",
     "The first pause where a person has to act: certificate, password, mailbox, rights."},
    {"retry-refused", SERVE_DURATION, FIELD(retry_refused_ms), 10, 604800000, NULL, NULL, "1h",
     "Between tries of a password that was refused. Shorter ones lock accounts."},
    {"refused-tries", SERVE_NUMBER, FIELD(refused_tries), 1, 10, NULL, NULL, "3",
     "Refusals of a password until the source is an error."},
    {"silence", SERVE_DURATION, FIELD(silence_ms), 1000, 86400000, NULL, NULL, "15min",
     "A source from whose server nothing was heard for so long, and its interval, is degraded."},
    {"hooks", SERVE_NUMBER, FIELD(hooks), 1, 64, NULL, NULL, "4",
     "Hooks of work queues that are told at the same time, at most, by threads of their own."},
    {"hook-timeout", SERVE_DURATION, FIELD(hook_timeout_ms), 100, 600000, NULL, NULL, "30s",
     "A hook's command, or the answer of a webhook, may take so long."},
    {"hook-tries", SERVE_NUMBER, FIELD(hook_tries), 1, 10000, NULL, NULL, "600",
     "A delivery that failed so often is given up (600: after three days); queue redeliver tries "
     "it "
     "again."},
    {"hook-retry-first", SERVE_DURATION, FIELD(hook_retry_first_ms), 10, 900000, NULL, NULL, "2s",
     "After a failed delivery, the first pause; doubled each time, any part of it is taken."},
    {"hook-retry-max", SERVE_DURATION, FIELD(hook_retry_max_ms), 10, 86400000, NULL, NULL, "15min",
     "The longest pause of a hook."},
    {"hook-ca-file", SERVE_TEXT, FIELD(hook_ca_file), 0, 0, NULL, NULL, "",
     "Certificate authorities to trust for webhooks, PEM. Empty: those of the system."},
    {"log-level", SERVE_CHOICE, FIELD(log_level), 0, 0, "error|warning|info|debug", serve_levels,
     "info", "What is logged."},
    {"log-format", SERVE_CHOICE, FIELD(log_format), 0, 0, "auto|plain|logfmt|json", serve_formats,
     "auto",
     "How it is logged, on standard error; auto: with fields into systemd's journal, else logfmt."},
};
#define SERVE_ROWS (sizeof serve_rows / sizeof serve_rows[0])

/* Where a value stands that is read. */
struct serve_place {
    const char *path;
    unsigned line;
};

static int serve_bad_value(const struct serve_row *row, const char *value,
                           const struct serve_place *at, const char *want, struct error *err)
{
    return error_set(err, ERROR_CONFIG, "%.200s:%u: %s '%.60s' is not %s", at->path, at->line,
                     row->name, value, want);
}

static int serve_set_choice(const struct serve_row *row, const char *value, uint64_t *field,
                            const struct serve_place *at, struct error *err)
{
    const char *choice = row->choices;
    for (size_t i = 0; *choice != '\0'; i++) {
        size_t size = strcspn(choice, "|");
        if (strlen(value) == size && text_starts_nocase(choice, value)) {
            *field = row->numbers[i];
            return 0;
        }
        choice += size + (choice[size] == '|');
    }
    char want[128] = "one of ";
    text_copy(want + 7, sizeof want - 7, row->choices);
    return serve_bad_value(row, value, at, want, err);
}

static int serve_set(struct serve_settings *settings, const struct serve_row *row,
                     const char *value, const struct serve_place *at, struct error *err)
{
    char *field = (char *)settings + row->offset;
    uint64_t *number = (uint64_t *)(void *)field, read = 0;
    switch (row->type) {
    case SERVE_TEXT:
        if (strlen(value) >= SERVE_TEXT_MAX)
            return serve_bad_value(row, value, at, "a text of less than 1024 bytes", err);
        text_copy(field, SERVE_TEXT_MAX, value);
        return 0;
    case SERVE_NUMBER:
        if (text_to_u64(value, row->most, &read) < 0 || read < row->least)
            return serve_bad_value(row, value, at, "a number in its range", err);
        break;
    case SERVE_DURATION:
        if (text_to_duration(value, row->most, &read) < 0 || read < row->least)
            return serve_bad_value(row, value, at, "a time in its range, such as 30s or 5min", err);
        break;
    case SERVE_CHOICE:
        return serve_set_choice(row, value, number, at, err);
    }
    *number = read;
    return 0;
}

void serve_settings_init(struct serve_settings *settings)
{
    const struct serve_place at = {"built in", 0};
    struct error err;
    *settings = (struct serve_settings){.workers = 1};
    for (size_t i = 0; i < SERVE_ROWS; i++)
        (void)serve_set(settings, &serve_rows[i], serve_rows[i].standard, &at, &err); /* tested */
}

static int serve_unknown(const char *name, const struct serve_place *at, struct error *err)
{
    struct suggest suggest;
    suggest_start(&suggest, name);
    for (size_t i = 0; i < SERVE_ROWS; i++)
        suggest_offer(&suggest, serve_rows[i].name);
    const char *near = suggest_best(&suggest);
    return error_set(err, ERROR_CONFIG, "%.200s:%u: there is no setting '%.60s'; %s%s%s", at->path,
                     at->line, name,
                     near == NULL ? "mailchute serve --print-config shows them" : "did you mean '",
                     near == NULL ? "" : near, near == NULL ? "" : "'?");
}

/* @line ends in NUL and is ours to cut. */
static int serve_read_line(struct serve_settings *settings, char *line, bool seen[SERVE_ROWS],
                           const struct serve_place *at, struct error *err)
{
    char *start = line + strspn(line, " \t"), *equals = strchr(start, '=');
    if (*start == '\0' || *start == '#')
        return 0;
    if (equals == NULL)
        return error_set(err, ERROR_CONFIG, "%.200s:%u: '%.60s' is no setting; write name = value",
                         at->path, at->line, start);
    *equals = '\0';
    char *value = equals + 1 + strspn(equals + 1, " \t");
    start[strcspn(start, " \t")] = '\0';
    for (size_t i = 0; i < SERVE_ROWS; i++) {
        if (!text_equal_nocase(start, serve_rows[i].name))
            continue;
        if (seen[i])
            return error_set(err, ERROR_CONFIG, "%.200s:%u: '%s' is set twice; take one out",
                             at->path, at->line, serve_rows[i].name);
        seen[i] = true;
        return serve_set(settings, &serve_rows[i], value, at, err);
    }
    return serve_unknown(start, at, err);
}

int serve_settings_parse(struct serve_settings *settings, const char *text, const char *path,
                         struct error *err)
{
    struct serve_settings read;
    struct serve_place at = {path, 0};
    bool seen[SERVE_ROWS] = {false};
    serve_settings_init(&read);
    while (*text != '\0') {
        char line[SERVE_LINE_MAX];
        size_t size = strcspn(text, "\n"), kept = size;
        at.line++;
        if (size >= sizeof line)
            return error_set(err, ERROR_CONFIG, "%.200s:%u: a line may have %u bytes", path,
                             at.line, SERVE_LINE_MAX - 1);
        memcpy(line, text, size);
        while (kept > 0 && text_is_space(line[kept - 1]))
            kept--;
        line[kept] = '\0';
        if (serve_read_line(&read, line, seen, &at, err) < 0)
            return -1;
        text += size + (text[size] == '\n');
    }
    *settings = read;
    return 0;
}

int serve_settings_read(struct serve_settings *settings, const char *path, struct error *err)
{
    AUTO_DONE(buffer) text;
    buffer_init(&text, SERVE_FILE_MAX);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    ssize_t n = fd < 0 ? -1 : 1;
    while (n > 0 && buffer_reserve(&text, SERVE_LINE_MAX) == 0) {
        n = read(fd, text.data + text.len, SERVE_LINE_MAX);
        if (n > 0)
            buffer_added(&text, (size_t)n);
    }
    if (n < 0)
        return error_set(err, ERROR_CONFIG, "the settings cannot be read from '%.300s': %s; check "
                         "its name and rights", path, strerror(errno));
    if (n > 0 || memchr(buffer_text(&text), '\0', text.len) != NULL)
        return error_set(err, ERROR_CONFIG, "'%.300s' is too long for a file of settings, or none",
                         path);
    return serve_settings_parse(settings, buffer_text(&text), path, err);
}

int serve_settings_append_sample(struct buffer *out)
{
    int bad = buffer_append_text(out, "# mailchute.conf - settings of mailchute serve; see "
                                      "mailchute.conf(5).\n# Each stands here with its default.\n");
    for (size_t i = 0; i < SERVE_ROWS; i++) {
        const struct serve_row *row = &serve_rows[i];
        bad |= buffer_printf(out, "\n# %s\n", row->help);
        if (row->choices != NULL)
            bad |= buffer_printf(out, "# One of %s.\n", row->choices);
        bad |= buffer_printf(out, "#%s =%s%s\n", row->name, row->standard[0] == '\0' ? "" : " ",
                             row->standard);
    }
    return bad;
}

struct retry_limits serve_settings_limits(const struct serve_settings *settings)
{
    return (struct retry_limits){.first_ms = settings->retry_first_ms,
                                 .max_ms = settings->retry_max_ms,
                                 .person_ms = settings->retry_person_ms,
                                 .refused_ms = settings->retry_refused_ms,
                                 .refused_tries = (uint32_t)settings->refused_tries};
}
