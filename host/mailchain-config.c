/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-config.c - see mailchain-config.h. */
#include <config.h>
#include "mailchain-config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "connection-text.h"
#include "json-line.h"
#include "text.h"
#include "write-all.h"

#define CONFIG_SIZE_MAX 65536u

void mailchain_config_done(struct mailchain_config *config)
{
    json_decref(config->root);
    config->root = NULL;
}

int mailchain_config_folder(const char *given, char **out_folder, struct error *err)
{
    const char *home = getenv("HOME");
    if (given == NULL && (home == NULL || home[0] == '\0'))
        return error_set(err, ERROR_CONFIG, "HOME is not set; name the folder with --dir FOLDER");
    int made = given != NULL ? asprintf(out_folder, "%s", given)
                             : asprintf(out_folder, "%s/%s", home, MAILCHAIN_CONFIG_FOLDER);
    return made < 0 ? error_oom(err, "looking for config.json") : 0;
}

static char *config_path(const char *folder, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

/* What was made or renamed in @folder is there after a power cut too. */
static int config_flush_folder(const char *folder)
{
    AUTO_FD fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? -1 : fsync(fd);
}

static int config_flush_parent(const char *path)
{
    AUTO_TEXT parent = strdup(path);
    char *slash = parent == NULL ? NULL : strrchr(parent, '/');
    if (parent == NULL)
        return -1;
    if (slash == NULL)
        return config_flush_folder(".");
    slash[slash == parent ? 1 : 0] = '\0';
    return config_flush_folder(parent);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static bool config_text(const json_t *half, const char *key, char out[MAILCHAIN_TEXT_MAX])
{
    const char *text = json_string_value(json_object_get(half, key));
    bool good = text != NULL && strlen(text) < MAILCHAIN_TEXT_MAX && !text_has_control(text);
    text_copy(out, MAILCHAIN_TEXT_MAX, good ? text : "");
    return out[0] != '\0';
}

/* Digits, with spaces around them. */
static bool config_digits(const char *text, uint64_t *out)
{
    static const char spaces[] = " \t\r\n";
    char digits[16];
    text += strspn(text, spaces);
    size_t size = strcspn(text, spaces);
    if (size >= sizeof digits || text[size + strspn(text + size, spaces)] != '\0')
        return false;
    memcpy(digits, text, size);
    digits[size] = '\0';
    return text_to_u64(digits, UINT32_MAX, out) == 0;
}

/* 300, "300 " and 300.0, from 0 to UINT32_MAX; *out is 0 for what is none. */
static bool config_number(const json_t *half, const char *key, uint32_t *out)
{
    const json_t *value = json_object_get(half, key);
    double number = json_number_value(value);
    uint64_t read = number >= 0 && number <= UINT32_MAX ? (uint64_t)number : UINT64_MAX;
    bool good = json_is_string(value) ? config_digits(json_string_value(value), &read)
                                      : json_is_number(value) && read <= UINT32_MAX &&
                                            number <= (double)read;
    *out = good ? (uint32_t)read : 0;
    return good;
}

static bool config_port(const json_t *half, uint32_t *out)
{
    bool good = config_number(half, "port", out) && *out > 0 && *out <= 65535;
    *out = good ? *out : 0;
    return good;
}

static bool config_bool(const json_t *half, const char *key, bool *out)
{
    const json_t *value = json_object_get(half, key);
    *out = json_is_true(value);
    return json_is_boolean(value) ||
           (json_is_string(value) && text_to_bool(json_string_value(value), out) == 0);
}

static bool config_structure(const json_t *half, bool *out_by_address)
{
    const char *text = json_string_value(json_object_get(half, "folders"));
    *out_by_address = text_equal(text, "by_address");
    return *out_by_address || text_equal(text, "by_network");
}

static void config_take(struct mailchain_config *c)
{
    const json_t *imap = json_object_get(c->root, "imap");
    const json_t *chain = json_object_get(c->root, "mailchain");
    static const char *const names[] = {
        "server' of 'imap",        "username' of 'imap",     "port' of 'imap",
        "ssl' of 'imap",           "hostname' of 'mailchain", "port' of 'mailchain",
        "ssl' of 'mailchain",      "folders' of 'mailchain", "mainnet_to_inbox' of 'mailchain",
        "interval' of 'mailchain"};
    bool has[] = {config_text(imap, "server", c->server),
                  config_text(imap, "username", c->username),
                  config_port(imap, &c->imap_port),
                  config_bool(imap, "ssl", &c->imap_ssl),
                  config_text(chain, "hostname", c->hostname),
                  config_port(chain, &c->port),
                  config_bool(chain, "ssl", &c->ssl),
                  config_structure(chain, &c->by_address),
                  config_bool(chain, "mainnet_to_inbox", &c->mainnet_to_inbox),
                  config_number(chain, "interval", &c->interval_s)};
    c->has_imap = has[0] && has[1] && has[2] && has[3];
    c->has_mailchain = has[4] && has[5] && has[6] && has[7] && has[8] && has[9];
    for (size_t i = sizeof has / sizeof has[0]; i-- > 0;)
        c->lacks = has[i] ? c->lacks : names[i];
    if (c->interval_s < MAILCHAIN_INTERVAL_MIN_S)
        c->interval_s = MAILCHAIN_INTERVAL_MIN_S;
    if (c->interval_s > MAILCHAIN_INTERVAL_MAX_S)
        c->interval_s = MAILCHAIN_INTERVAL_MAX_S;
}

int mailchain_config_read(const char *folder, struct mailchain_config *out, struct error *err)
{
    json_error_t why;
    *out = (struct mailchain_config){.root = NULL};
    AUTO_TEXT path = config_path(folder, "config.json");
    if (path == NULL)
        return error_oom(err, "reading config.json");
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    char *text = malloc(CONFIG_SIZE_MAX);
    if (text == NULL)
        return error_oom(err, "reading config.json");
    ssize_t size = fd < 0 ? -1 : read(fd, text, CONFIG_SIZE_MAX);
    if (size < 0)
        error_set(err, ERROR_CONFIG, "'%s' cannot be read: %s; check its rights", path,
                  strerror(errno));
    else if ((out->root = json_loadb(text, (size_t)size, 0, &why)) == NULL)
        error_set(err, ERROR_CONFIG, "'%s' is no JSON (line %d); mend it, or run mailchute "
                  "mailchain --configure", path, why.line);
    explicit_bzero(text, CONFIG_SIZE_MAX); /* an old one may hold a password */
    free(text);
    if (out->root == NULL)
        return -1;
    config_take(out);
    return 0;
}

int mailchain_config_set_aside(const char *folder, struct error *err)
{
    AUTO_TEXT path = config_path(folder, "config.json");
    AUTO_TEXT aside = config_path(folder, "config.json.bad");
    if (path == NULL || aside == NULL)
        return error_oom(err, "setting config.json aside");
    if (rename(path, aside) < 0 || config_flush_parent(aside) < 0)
        return error_set(err, ERROR_CREATE, "'%s' cannot be renamed to '%s': %s; look after its "
                         "folder", path, aside, strerror(errno));
    return 0;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static int config_set_number(json_t *half, const char *key, uint32_t number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", number);
    return json_line_set(half, key, json_line_text(text));
}

void mailchain_config_hide(json_t *value)
{
    const char *key;
    json_t *member;
    void *next;
    size_t at;
    json_object_foreach_safe(value, next, key, member)
    {
        mailchain_config_hide(member);
        if (text_equal_nocase(key, "password"))
            (void)json_object_del(value, key);
    }
    json_array_foreach(value, at, member) /* analyse: jansson's */
        mailchain_config_hide(member);
}

/* The half @name of root, made if it is missing. Borrowed. */
static json_t *config_half(json_t *root, const char *name)
{
    json_t *half = json_object_get(root, name);
    if (!json_is_object(half) && json_line_set(root, name, json_object()) < 0)
        return NULL;
    return json_object_get(root, name);
}

static int config_put(struct mailchain_config *c)
{
    if (!json_is_object(c->root)) {
        json_decref(c->root);
        c->root = json_object();
    }
    mailchain_config_hide(c->root);
    json_t *imap = config_half(c->root, "imap"), *chain = config_half(c->root, "mailchain");
    int bad = imap == NULL || chain == NULL ? -1 : 0;
    if (bad == 0 && c->has_imap)
        bad = json_line_set(imap, "server", json_line_text(c->server)) |
              json_line_set(imap, "username", json_line_text(c->username)) |
              config_set_number(imap, "port", c->imap_port) |
              json_line_set(imap, "ssl", json_boolean(c->imap_ssl));
    if (bad == 0 && c->has_mailchain)
        bad = json_line_set(chain, "hostname", json_line_text(c->hostname)) |
              json_line_set(chain, "ssl", json_boolean(c->ssl)) |
              config_set_number(chain, "port", c->port) |
              json_line_set(chain, "folders",
                            json_line_text(c->by_address ? "by_address" : "by_network")) |
              json_line_set(chain, "mainnet_to_inbox", json_boolean(c->mainnet_to_inbox)) |
              config_set_number(chain, "interval", c->interval_s);
    return bad;
}

/* All levels of @path. */
static int config_make_folder(const char *path, struct error *err)
{
    AUTO_TEXT copy = strdup(path);
    if (copy == NULL)
        return error_oom(err, "making a folder");
    for (char *at = copy + 1;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        char end = *at;
        *at = '\0';
        bool made = mkdir(copy, S_IRWXU) == 0;
        if ((!made && errno != EEXIST) || (made && config_flush_parent(copy) < 0))
            return error_set(err, ERROR_CREATE, "folder '%s' cannot be made: %s; make it by hand, "
                             "or name another with --dir", copy, strerror(errno));
        if (end == '\0')
            return 0;
        *at = end;
    }
}

static int config_store(const char *part, const char *path, const char *text, struct error *err)
{
    AUTO_FD fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600) < 0 || write_all(fd, text, strlen(text)) < 0 || fsync(fd) < 0 ||
        rename(part, path) < 0 || config_flush_parent(path) < 0)
        return error_set(err, ERROR_CREATE, "'%s' cannot be written: %s; look after its folder",
                         path, strerror(errno));
    return 0;
}

/* Where config.json lies, also behind a link: that stays one. */
static char *config_target(const char *folder)
{
    AUTO_TEXT path = config_path(folder, "config.json");
    char *real = path == NULL ? NULL : realpath(path, NULL);
    return real != NULL ? real : TAKE(path);
}

/* Beside it. */
static char *config_part(const char *path)
{
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    char *part = NULL;
    if (slash == NULL || asprintf(&part, "%.*s/.config.json.new", (int)(slash - path), path) < 0)
        return NULL;
    return part;
}

int mailchain_config_write(const char *folder, struct mailchain_config *config, struct error *err)
{
    if (config_make_folder(folder, err) < 0)
        return -1;
    AUTO_TEXT path = config_target(folder);
    AUTO_TEXT part = config_part(path);
    AUTO_TEXT text = config_put(config) < 0 ? NULL : json_dumps(config->root, JSON_INDENT(2));
    if (path == NULL || part == NULL || text == NULL)
        return error_oom(err, "writing config.json");
    return config_store(part, path, text, err);
}

/* ---- Connection strings -----------------------------------------------------------------------
 */

/* Key after key into *connection. */
static int config_add(char **connection, const char *key, const char *value, struct error *err)
{
    char *longer = NULL;
    if (connection_set(*connection == NULL ? "" : *connection, key, value, &longer, err) < 0)
        return -1;
    free(*connection);
    *connection = longer;
    return 0;
}

static int config_add_number(char **connection, const char *key, uint32_t number, const char *unit,
                             struct error *err)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%u%s", number, unit);
    return config_add(connection, key, text, err);
}

/* The string is whole, but for what was given by hand. */
static int config_end(char **connection, const char *more, char **out_connection,
                      struct error *err)
{
    if (more == NULL) {
        *out_connection = TAKE(*connection);
        return 0;
    }
    if (asprintf(out_connection, "%s;%s", *connection, more) >= 0)
        return 0;
    *out_connection = NULL;
    return error_oom(err, "reading config.json");
}

int mailchain_config_imap(const struct mailchain_config *config, const char *more,
                          char **out_connection, struct error *err)
{
    AUTO_TEXT connection = NULL;
    if (config_add(&connection, "url", config->server, err) < 0 ||
        config_add_number(&connection, "port", config->imap_port, "", err) < 0 ||
        config_add(&connection, "ssl", config->imap_ssl ? "True" : "False", err) < 0 ||
        config_add(&connection, "after", "Leave", err) < 0) /* nothing is picked up from there */
        return -1;
    return config_end(&connection, more, out_connection, err);
}

int mailchain_config_mailchain(const struct mailchain_config *config, bool footer,
                               const char *more, char **out_connection, struct error *err)
{
    AUTO_TEXT connection = NULL;
    if (config_add(&connection, "url", config->hostname, err) < 0 ||
        config_add_number(&connection, "port", config->port, "", err) < 0 ||
        config_add(&connection, "ssl", config->ssl ? "True" : "False", err) < 0 ||
        config_add_number(&connection, "poll", config->interval_s, "s", err) < 0 ||
        (footer && config_add(&connection, "footer", "True", err) < 0))
        return -1;
    return config_end(&connection, more, out_connection, err);
}
