/* SPDX-License-Identifier: Apache-2.0 */
/* command-user.c - mailchute user: who may use the REST interface of the daemon, for the person at
 * the machine: the first user, a forgotten password, a key for a script. */
#include <config.h>
#include "command.h"

#include <stdlib.h>
#include <string.h>

#include "access.h"
#include "json-line.h"
#include "output.h"
#include "secret.h"
#include "suggest.h"
#include "table.h"
#include "text.h"
#include "web.h"

#define USER_KEY_DAYS 90u
#define USER_DAY_S 86400

struct user_command {
    struct command_common common;
    const char *role, *password_file;
    uint64_t days;
    struct queue *queue;
    char **arguments;
    int count;
};

#define FIELD(member) offsetof(struct user_command, member)
static const struct option_row user_rows[] = {
    COMMAND_OPTION_QUEUE(struct user_command, common),
    {"role", 0, OPTION_TEXT, FIELD(role), "ROLE", "add, key: viewer, operator or admin"},
    {"password-file", 0, OPTION_TEXT, FIELD(password_file), "FILE",
     "add, password: file with the password, - is standard input"},
    {"days", 0, OPTION_NUMBER, FIELD(days), "N", "key: how long it lasts (90; at most 730)"},
    COMMAND_OPTION_JSON(struct user_command, common),
    COMMAND_OPTIONS_LOG(struct user_command, common),
    COMMAND_OPTION_HELP(struct user_command, common),
};

static const struct option_table user_table = {
    "user", "list | add NAME | password NAME | remove NAME | key NAME KEY-NAME | setup-token",
    "Sets up who may use the REST interface of the daemon. key prints an API key, once; "
    "setup-token\n"
    "a token that makes an admin by POST /api/v1/auth/setup, once, within an hour.",
    user_rows, sizeof user_rows / sizeof user_rows[0]};

static int user_read_role(const struct user_command *c, uint32_t *out_role, struct error *err)
{
    if (access_role_from_name(c->role == NULL ? "viewer" : c->role, out_role) == 0)
        return 0;
    return error_set(err, ERROR_USAGE, "there is no role '%.40s'; give viewer, operator or admin",
                     c->role);
}

static int user_find(struct user_command *c, struct queue_user *out_user, struct error *err)
{
    bool found;
    if (queue_user_find(c->queue, NULL, c->arguments[0], out_user, &found, err) < 0)
        return -1;
    return found ? 0
                 : error_set(err, ERROR_USAGE,
                             "there is no user '%.80s'; mailchute user list shows "
                             "those there are",
                             c->arguments[0]);
}

/* Asked for, or from a file; hashed. */
static int user_read_password(const struct user_command *c, char out_hash[PASS_HASH_SIZE],
                              struct error *err)
{
    AUTO(secret) secret = NULL;
    int bad = c->password_file != NULL
                  ? secret_from_file(c->password_file, &secret, NULL, err)
                  : secret_from_terminal("New password: ", &secret, err);
    return bad < 0 ? -1 : pass_hash(secret_text(secret), out_hash, err);
}

/* ---- The verbs ------------------------------------------------------------------------------- */

static const struct table_column user_columns[] = {{"NAME", 24}, {"ROLE", 8}, {"CREATED", 0}};
#define USER_COLUMNS (sizeof user_columns / sizeof user_columns[0])

struct user_list {
    const struct user_command *command;
    struct error *err;
    int failed;
};

static int user_show(const struct user_command *c, const struct queue_user *user,
                     struct error *err)
{
    char created[CLOCK_RFC3339_MAX];
    AUTO_JSON line = json_object();
    AUTO_DONE(buffer) row;
    buffer_init(&row, USER_COLUMNS * TABLE_CELL_MAX * 4);
    clock_rfc3339(user->created_s, 0, created);
    const char *cells[USER_COLUMNS] = {user->name, access_role_name(user->role), created};
    if (!c->common.json)
        return table_append_row(&row, user_columns, USER_COLUMNS, cells, 0) < 0
                   ? error_oom(err, "telling of a user")
                   : output_bytes(&row, err);
    if (json_line_set(line, "id", json_line_text(user->id)) < 0 ||
        json_line_set(line, "name", json_line_text(user->name)) < 0 ||
        json_line_set(line, "role", json_line_text(access_role_name(user->role))) < 0 ||
        json_line_set(line, "created", json_line_text(created)) < 0)
        return error_oom(err, "telling of a user");
    return output_json(line, err);
}

static int user_list_each(void *context, const struct queue_user *user)
{
    struct user_list *list = context;
    list->failed = user_show(list->command, user, list->err);
    return list->failed;
}

static int user_run_list(struct user_command *c, struct error *err)
{
    struct user_list list = {c, err, 0};
    return queue_user_each(c->queue, user_list_each, &list, err) < 0 ? -1 : list.failed;
}

static int user_run_add(struct user_command *c, struct error *err)
{
    struct queue_user user = {.role = 0};
    if (strlen(c->arguments[0]) > QUEUE_USER_NAME_MAX)
        return error_set(err, ERROR_USAGE, "a name has %u bytes at most; choose a shorter one",
                         QUEUE_USER_NAME_MAX);
    text_copy(user.name, sizeof user.name, c->arguments[0]);
    return user_read_role(c, &user.role, err) < 0 ||
                   user_read_password(c, user.password, err) < 0 ||
                   queue_user_add(c->queue, &user, err) < 0
               ? -1
               : 0;
}

/* Sessions end with the old password; keys do not. */
static int user_run_password(struct user_command *c, struct error *err)
{
    struct queue_user user;
    return user_find(c, &user, err) < 0 || user_read_password(c, user.password, err) < 0 ||
                   queue_user_change(c->queue, &user, ACCESS_KEY, err) < 0
               ? -1
               : 0;
}

static int user_run_remove(struct user_command *c, struct error *err)
{
    struct queue_user user;
    return user_find(c, &user, err) < 0 ? -1 : queue_user_remove(c->queue, user.id, err);
}

static int user_tell(const char *text, struct error *err)
{
    AUTO_DONE(buffer) line;
    buffer_init(&line, 512);
    return buffer_printf(&line, "%s\n", text) < 0 ? error_oom(err, "telling it")
                                                  : output_bytes(&line, err);
}

static int user_run_key(struct user_command *c, struct error *err)
{
    struct queue_user user;
    struct queue_token made;
    char token[PASS_TOKEN_SIZE];
    uint32_t role;
    uint64_t days = c->days == 0 ? USER_KEY_DAYS : c->days;
    if (days > ACCESS_KEY_DAYS_MAX)
        return error_set(err, ERROR_USAGE, "a key lasts 1 to %u days", ACCESS_KEY_DAYS_MAX);
    if (strlen(c->arguments[1]) > QUEUE_USER_NAME_MAX)
        return error_set(err, ERROR_USAGE, "a name has %u bytes at most; choose a shorter one",
                         QUEUE_USER_NAME_MAX);
    if (user_find(c, &user, err) < 0 || user_read_role(c, &role, err) < 0 ||
        access_issue(c->queue, ACCESS_KEY, user.id, c->arguments[1], role,
                     clock_unix_s(clock_system()) + (int64_t)days * USER_DAY_S, token, &made,
                     err) < 0)
        return -1;
    return user_tell(token, err);
}

static int user_run_setup_token(struct user_command *c, struct error *err)
{
    char token[PASS_TOKEN_SIZE];
    if (web_setup_token(c->queue, clock_system(), token, sizeof token, true, err) < 0)
        return -1;
    return user_tell(token, err);
}

/* ---- The command ----------------------------------------------------------------------------- */

static const struct user_verb {
    const char *name;
    int arguments;
    int (*run)(struct user_command *c, struct error *err);
} user_verbs[] = {
    {"list", 0, user_run_list},     {"add", 1, user_run_add},
    {"password", 1, user_run_password}, {"remove", 1, user_run_remove},
    {"key", 2, user_run_key},       {"setup-token", 0, user_run_setup_token},
};

static const struct user_verb *user_find_verb(int count, char **arguments, struct error *err)
{
    struct suggest suggest;
    suggest_start(&suggest, count == 0 ? "" : arguments[0]);
    for (size_t i = 0; count > 0 && i < sizeof user_verbs / sizeof user_verbs[0]; i++) {
        suggest_offer(&suggest, user_verbs[i].name);
        if (text_equal(arguments[0], user_verbs[i].name) &&
            count - 1 == user_verbs[i].arguments)
            return &user_verbs[i];
        if (text_equal(arguments[0], user_verbs[i].name)) {
            error_set(err, ERROR_USAGE, "user %s takes %d names; see mailchute user --help",
                      arguments[0], user_verbs[i].arguments);
            return NULL;
        }
    }
    const char *near = suggest_best(&suggest);
    error_set(err, ERROR_USAGE, "user: what is to be done? %s%s%s",
              near == NULL ? "see mailchute user --help" : "did you mean '",
              near == NULL ? "" : near, near == NULL ? "" : "'?");
    return NULL;
}

int command_user(int argc, char **argv)
{
    struct user_command c = {.count = 0};
    struct error err;
    int count, exit_code;
    if (command_options(&user_table, argc, argv, &c, &c.common, &count, &exit_code) < 0)
        return exit_code;
    const struct user_verb *verb = user_find_verb(count, argv, &err);
    if (verb == NULL)
        return command_fail(&err);
    c.arguments = argv + 1;
    int bad = command_open_queue(c.common.queue_url, COMMAND_QUEUE_MAKE, &c.queue, &err);
    if (bad == 0)
        bad = pass_start(&err);
    if (bad == 0)
        bad = verb->run(&c, &err);
    queue_close(c.queue);
    return bad < 0 ? command_fail(&err) : 0;
}
