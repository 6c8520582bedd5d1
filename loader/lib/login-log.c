/* SPDX-License-Identifier: Apache-2.0 */
/* login-log.c - what the server said until it let us in. See login-log.h. */
#include <config.h>
#include "login-log.h"

#include <string.h>

#include "cursor.h"
#include "text.h"

#define LOGIN_LOG_LINE_MAX 8192u /* bytes of a line that are looked at */
#define LOGIN_ECHO_MIN 4u        /* bytes of a secret, or of its base64, that tell something */

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
    text_said(log->text, sizeof log->text, c.bytes + c.pos, cursor_left(&c));
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

/* ---- Echoes of the secret -------------------------------------------------------------------- */

/* @lead bytes and the secret in base64, without the characters that depend on what stands around
 * it: so it looks behind so many bytes of other data, or three more. As much as fits, and a text
 * can hold. */
static void login_log_encode(const char *secret, size_t lead, char out[LOGIN_LOG_TEXT_MAX + 1])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint32_t bits = 0;
    unsigned have = (unsigned)lead * 8 % 6, skip = have != 0 ? 1 : 0;
    size_t used = 0;
    for (; *secret != '\0' && used < LOGIN_LOG_TEXT_MAX - 1; secret++) {
        bits = (bits << 8 | (uint8_t)*secret) & 0xFFFFu;
        for (have += 8; have >= 6 && used < LOGIN_LOG_TEXT_MAX; have -= 6) {
            if (skip > 0)
                skip--;
            else
                out[used++] = digits[bits >> (have - 6) & 63u];
        }
    }
    out[used] = '\0';
    explicit_bzero(&bits, sizeof bits);
}

/* The whole of @form anywhere, or its beginning at the end. */
static bool login_text_tells(const char *text, const char *form)
{
    size_t len = strlen(text), most = strlen(form);
    if (most > 0 && strstr(text, form) != NULL)
        return true;
    for (size_t n = LOGIN_ECHO_MIN; n < most && n <= len; n++)
        if (memcmp(text + len - n, form, n) == 0)
            return true;
    return false;
}

bool login_log_tells(const struct login_log *log, const char *secret)
{
    char form[LOGIN_LOG_TEXT_MAX + 1];
    bool tells = login_text_tells(log->text, secret);
    for (size_t lead = 0; lead < 3 && !tells; lead++) {
        login_log_encode(secret, lead, form);
        tells = strlen(form) >= LOGIN_ECHO_MIN && login_text_tells(log->text, form);
    }
    explicit_bzero(form, sizeof form);
    return tells;
}

/* ---- What it means --------------------------------------------------------------------------- */

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

bool login_log_asks_pause(const struct login_log *log)
{
    return log->pause_s > 0 || text_equal(log->code, "THROTTLED");
}
