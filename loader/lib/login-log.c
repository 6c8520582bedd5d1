/* SPDX-License-Identifier: Apache-2.0 */
/* login-log.c - what the server said until it let us in. See login-log.h. */
#include <config.h>
#include "login-log.h"

#include <string.h>

#include "cursor.h"
#include "text.h"

#define LOGIN_LOG_LINE_MAX 8192u /* bytes of a line that are looked at */

/* The next word: bytes up to a space, ']' or the end; the cursor stands behind the space. */
static struct span login_log_word(struct cursor *c)
{
    struct span word = {c->bytes + c->pos, 0};
    int byte;
    while ((byte = cursor_next(c)) >= 0 && byte != ' ' && byte != ']')
        word.len++;
    return word;
}

static void login_log_capabilities(struct login_log *log, struct cursor c)
{
    log->capabilities = true;
    while (cursor_left(&c) > 0) {
        struct span word = login_log_word(&c);
        log->starttls = log->starttls || span_is(word, "STARTTLS");
        log->plain = log->plain || span_is(word, "AUTH=PLAIN") || span_is(word, "AUTH=LOGIN");
    }
}

uint32_t login_pause_s(struct span text)
{
    static const char mark[] = "Suggested Backoff Time:";
    struct cursor c = cursor_over(text.bytes, text.len);
    uint64_t ms = 0;
    int byte;
    while (cursor_left(&c) > 0 && cursor_text_nocase(&c, mark) != PARSE_OK)
        c.pos++;
    while (cursor_peek(&c) == ' ')
        c.pos++;
    for (; (byte = cursor_peek(&c)) >= '0' && byte <= '9'; c.pos++)
        if (ms <= LOGIN_PAUSE_MAX_S * UINT64_C(1000))
            ms = ms * 10 + (uint64_t)(byte - '0');
    return ms < LOGIN_PAUSE_MAX_S * UINT64_C(1000) ? (uint32_t)((ms + 999) / 1000)
                                                   : LOGIN_PAUSE_MAX_S;
}

/* resp-text = ["[" resp-text-code "]" SP] text (RFC 9051 s.9) of a NO, BAD or BYE. */
static void login_log_refusal(struct login_log *log, struct cursor c)
{
    text_printable(log->text, sizeof log->text, c.bytes + c.pos, cursor_left(&c));
    log->pause_s = login_pause_s((struct span){c.bytes + c.pos, cursor_left(&c)});
    log->code[0] = '\0';
    if (cursor_byte(&c, '[') != PARSE_OK)
        return;
    struct span code = login_log_word(&c);
    if (code.len >= sizeof log->code)
        return;
    for (size_t i = 0; i < code.len; i++) {
        char byte = (char)code.bytes[i];
        log->code[i] = byte >= 'a' && byte <= 'z' ? (char)(byte - ('a' - 'A')) : byte;
    }
    log->code[code.len] = '\0';
}

void login_log_line(struct login_log *log, const void *bytes, size_t count)
{
    struct cursor c = cursor_over(bytes, count < LOGIN_LOG_LINE_MAX ? count : LOGIN_LOG_LINE_MAX);
    while (c.len > 0 && (c.bytes[c.len - 1] == '\n' || c.bytes[c.len - 1] == '\r'))
        c.len--;
    log->lines++;
    struct span tag = login_log_word(&c);
    bool untagged = span_is(tag, "*");
    struct span word = login_log_word(&c);
    if (untagged && span_is(word, "PREAUTH"))
        log->preauth = true;
    if (untagged && span_is(word, "CAPABILITY"))
        login_log_capabilities(log, c);
    if (cursor_text_nocase(&c, "[CAPABILITY ") == PARSE_OK)
        login_log_capabilities(log, c);
    if (untagged && span_is(word, "BYE")) {
        log->bye = true;
        login_log_refusal(log, c);
    } else if (!untagged && !span_is(tag, "+") && (span_is(word, "NO") || span_is(word, "BAD"))) {
        log->refused = true;
        login_log_refusal(log, c);
    }
}

enum error_class login_log_class(const struct login_log *log)
{
    static const char *const later[] = {"UNAVAILABLE", "INUSE",     "LIMIT",
                                        "THROTTLED",   "SERVERBUG", "CONTACTADMIN"};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
        if (text_equal(log->code, later[i]))
            return ERROR_PAUSE;
    if (log->pause_s > 0)
        return ERROR_PAUSE;
    if (log->bye)
        return ERROR_LINK;
    return ERROR_CREDENTIALS;
}
