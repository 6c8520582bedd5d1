/* SPDX-License-Identifier: Apache-2.0 */
/* imap-script.c - an IMAP server by rules. See imap-script.h. */
#include <config.h>
#include "imap-script.h"

#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buffer.h"
#include "imap-response.h"

#define SCRIPT_LINE_MAX 70000
#define SCRIPT_RULES_MAX 64
#define SCRIPT_REPLY_MAX (16u << 20)
#define SCRIPT_DRIP_MS 1
#define SCRIPT_LITERAL_SHOWN 200 /* bytes of a literal in the trace */
#define SCRIPT_PIECE (1u << 20) /* of what is said for ever */

struct script_server {
    const struct script *script;
    int listener, stop[2];
    pthread_t thread;
    pthread_mutex_t lock;
    struct buffer trace;
    bool used[SCRIPT_RULES_MAX];
    size_t said; /* bytes, on all connections */
    char tag[64]; /* of the command being answered, DONE: of its IDLE */
};

static const struct script_rule script_usual[] = {
    {"*LOGIN", "@ OK in\r\n"},
    {"*LIST \"\" \"\"", "* LIST (\\Noselect) \"/\" \"\"\r\n@ OK\r\n"},
    {"*LIST", "* LIST () \"/\" $\r\n@ OK\r\n"},
    {"*STATUS", "* STATUS $ (UIDNEXT 100 UIDVALIDITY 9)\r\n@ OK\r\n"},
    {"*SELECT",
     "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [PERMANENTFLAGS (\\Deleted \\*)] x\r\n"
     "@ OK [READ-WRITE] done\r\n"},
    {"*EXAMINE", "* 3 EXISTS\r\n* OK [UIDVALIDITY 9] x\r\n@ OK [READ-ONLY] done\r\n"},
    {"*SEARCH", "* SEARCH\r\n@ OK\r\n"},
    {"*CREATE", "@ OK\r\n"},
    {"*SUBSCRIBE", "@ OK\r\n"},
    {"*LOGOUT", "* BYE\r\n@ OK\r\n\2"},
    {"*", "@ BAD unexpected\r\n"},
};

void script_note(struct script_server *server, const char *line)
{
    pthread_mutex_lock(&server->lock);
    buffer_append_text(&server->trace, line);
    buffer_append_text(&server->trace, "\n");
    pthread_mutex_unlock(&server->lock);
}

char *script_trace(struct script_server *server)
{
    pthread_mutex_lock(&server->lock);
    char *trace = strdup(buffer_text(&server->trace));
    pthread_mutex_unlock(&server->lock);
    return trace;
}

static bool script_matches(const char *match, const char *command)
{
    return strstr(command, match[0] == '*' ? match + 1 : match) != NULL;
}

static const char *script_find(struct script_server *server, const char *command)
{
    const struct script *script = server->script;
    for (size_t i = 0; i < script->rule_count; i++) {
        if (server->used[i] || !script_matches(script->rules[i].match, command))
            continue;
        server->used[i] = script->rules[i].match[0] != '*';
        return script->rules[i].reply;
    }
    for (size_t i = 0;; i++)
        if (script_matches(script_usual[i].match, command))
            return script_usual[i].reply;
}

/* Tags and names in place, then the sizes of literals. */
static void script_expand(struct buffer *out, const char *reply, const char *tag, const char *name)
{
    struct buffer text;
    buffer_init(&text, SCRIPT_REPLY_MAX);
    bool start = true;
    for (; *reply != '\0'; reply++) {
        if (*reply == '@' && start)
            buffer_append_text(&text, tag);
        else if (*reply == '$' && strncmp(reply, IMAP_KEYWORD, strlen(IMAP_KEYWORD)) != 0)
            buffer_append_text(&text, name);
        else
            buffer_append_byte(&text, (uint8_t)*reply);
        start = *reply == '\n';
    }
    const char *at = buffer_text(&text), *mark;
    while ((mark = strstr(at, "{?}")) != NULL) {
        const char *body = mark + 5, *end = strchr(body, '\1');
        ck_assert_ptr_nonnull(end);
        buffer_append(out, at, (size_t)(mark - at));
        buffer_printf(out, "{%zu}\r\n", (size_t)(end - body));
        buffer_append(out, body, (size_t)(end - body));
        at = end + 1;
    }
    buffer_append_text(out, at);
    buffer_done(&text);
}

/* false: the other side closed. */
static bool script_send(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(fd, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

/* Until the other side closes. In large pieces: so that there is always more. */
static void script_say_for_ever(int fd, const char *text, size_t count)
{
    struct buffer much;
    buffer_init(&much, SCRIPT_REPLY_MAX);
    while (much.len < SCRIPT_PIECE)
        buffer_append(&much, text, count);
    while (script_send(fd, much.data, much.len))
        ;
    buffer_done(&much);
}

/* true: it is time to stop. */
static bool script_pause(const struct script_server *server, int ms)
{
    struct pollfd stop = {.fd = server->stop[0], .events = POLLIN};
    return poll(&stop, 1, ms) != 0;
}

static void script_drip(const struct script_server *server, int fd, const char *text)
{
    for (const char *at = text; script_send(fd, at, 1) && !script_pause(server, SCRIPT_DRIP_MS);)
        at = at[1] == '\0' ? text : at + 1;
}

static void script_say_nothing(const struct script_server *server)
{
    (void)script_pause(server, -1);
}

/* true: the dialogue goes on. */
static bool script_say(struct script_server *server, int fd, const char *reply, const char *tag,
                       const char *name)
{
    struct buffer out;
    buffer_init(&out, SCRIPT_REPLY_MAX);
    script_expand(&out, reply, tag, name);
    size_t end = strcspn(buffer_text(&out), "\2\3\4\5");
    char how = buffer_text(&out)[end];
    size_t cut = server->script->cut;
    if (cut != 0 && server->said + end >= cut) {
        end = cut > server->said ? cut - server->said : 0;
        how = '\2';
    }
    server->said += end;
    (void)script_send(fd, buffer_text(&out), end);
    if (how == '\3')
        script_say_nothing(server);
    if (how == '\5')
        script_drip(server, fd, buffer_text(&out) + end + 1);
    if (how == '\4')
        script_say_for_ever(fd, buffer_text(&out) + end + 1, out.len - end - 1);
    buffer_done(&out);
    return how == '\0';
}

/* Is there a rule for this very command? */
static bool script_has(const struct script_server *server, const char *command)
{
    for (size_t i = 0; i < server->script->rule_count; i++)
        if (!server->used[i] && strcmp(server->script->rules[i].match, command) == 0)
            return true;
    return false;
}

static bool script_answer(struct script_server *server, int fd, char *line)
{
    char *tag = server->tag, name[1100] = "", *space = strchr(line, ' ');
    const char *command = line;
    if (strcmp(line, "DONE") != 0 && space != NULL && (size_t)(space - line) < sizeof server->tag) {
        memcpy(tag, line, (size_t)(space - line));
        tag[space - line] = '\0';
        command = space + 1;
    }
    char *end = strrchr(line, '"'), *start = end;
    while (start != NULL && start > line && *--start != '"')
        ;
    if (end != NULL && (size_t)(end - start) + 2 < sizeof name)
        memcpy(name, start, (size_t)(end - start) + 1);
    script_note(server, strncmp(command, "LOGIN", 5) != 0 ? command : "LOGIN ...");
    if (strcmp(command, "CAPABILITY") == 0 && !script_has(server, command)) {
        char reply[500];
        const char *can = server->script->capabilities;
        (void)snprintf(reply, sizeof reply, "* CAPABILITY %s%s\r\n@ OK\r\n",
                       strncmp(can, "IMAP4", 5) == 0 ? "" : "IMAP4rev1 ", can);
        return script_say(server, fd, reply, tag, name);
    }
    return script_say(server, fd, script_find(server, command), tag, name);
}

/* A literal that the line so far announces: taken, and put behind it in brackets, line ends as '|',
 * a bare LF as '~', its middle left out where it is long. false: the dialogue ends. */
static bool script_literal(struct script_server *server, int fd, struct buffer *line, bool *taken)
{
    const char *text = buffer_text(line), *brace = strrchr(text, '{');
    char *end = NULL;
    unsigned long size = brace == NULL ? 0 : strtoul(brace + 1, &end, 10), at = 0;
    *taken = brace != NULL && end > brace + 1 && (strcmp(end, "}") == 0 || strcmp(end, "+}") == 0);
    if (!*taken)
        return true;
    if (*end == '}') {
        const char *refusal = NULL;
        for (size_t i = 0; i < server->script->rule_count && refusal == NULL; i++)
            if (server->script->rules[i].match[0] == '#' && !server->used[i] &&
                strstr(text, server->script->rules[i].match + 1) != NULL) {
                server->used[i] = true;
                refusal = server->script->rules[i].reply;
            }
        if (refusal != NULL) {
            server->tag[strcspn(text, " ")] = '\0';
            memcpy(server->tag, text, strcspn(text, " "));
            script_note(server, "refused before its literal");
            buffer_clear(line);
            return script_say(server, fd, refusal, server->tag, "");
        }
        if (!script_send(fd, "+ go\r\n", 6))
            return false;
    }
    buffer_append_text(line, "[");
    char byte, before = '\0';
    for (; at < size; at++, before = byte) {
        if (recv(fd, &byte, 1, 0) != 1)
            return false;
        if (at < SCRIPT_LITERAL_SHOWN && byte != '\r')
            buffer_append_byte(line, (uint8_t)(byte != '\n' ? byte : before == '\r' ? '|' : '~'));
    }
    buffer_append_text(line, "]");
    return true;
}

static void script_serve(struct script_server *server, int fd)
{
    static const char hello[] = "* OK hello\r\n";
    const char *greeting = server->script->greeting != NULL ? server->script->greeting : hello;
    struct buffer line;
    char byte;
    buffer_init(&line, SCRIPT_LINE_MAX);
    bool on = script_say(server, fd, greeting, "", "");
    while (on && recv(fd, &byte, 1, 0) == 1) {
        if (byte == '\n') {
            bool literal;
            on = script_literal(server, fd, &line, &literal);
            if (!on || literal)
                continue;
            on = script_answer(server, fd, line.data);
            buffer_clear(&line);
        } else if (byte != '\r') {
            buffer_append_byte(&line, (uint8_t)byte);
        }
    }
    buffer_done(&line);
    script_note(server, SCRIPT_GONE);
}

static void *script_run(void *context)
{
    struct script_server *server = context;
    for (;;) {
        struct pollfd fds[] = {{server->listener, POLLIN, 0}, {server->stop[0], POLLIN, 0}};
        if (poll(fds, 2, -1) < 0 || fds[1].revents != 0)
            return NULL;
        int fd = accept(server->listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        script_serve(server, fd);
        close(fd);
    }
}

struct script_server *script_start(const struct script *script, unsigned int *out_port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    struct script_server *server = calloc(1, sizeof *server);
    ck_assert_ptr_nonnull(server);
    server->script = script;
    buffer_init(&server->trace, 1 << 20);
    pthread_mutex_init(&server->lock, NULL);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(server->listener, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(server->listener, 5), 0);
    ck_assert_int_eq(getsockname(server->listener, (struct sockaddr *)&at, &size), 0);
    ck_assert_int_eq(pipe(server->stop), 0);
    ck_assert_int_eq(pthread_create(&server->thread, NULL, script_run, server), 0);
    *out_port = ntohs(at.sin_port);
    return server;
}

void script_stop(struct script_server *server)
{
    ck_assert_int_eq(write(server->stop[1], "x", 1), 1);
    pthread_join(server->thread, NULL);
    close(server->listener);
    close(server->stop[0]);
    close(server->stop[1]);
    buffer_done(&server->trace);
    pthread_mutex_destroy(&server->lock);
    free(server);
}
