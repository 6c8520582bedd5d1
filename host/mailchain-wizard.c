/* SPDX-License-Identifier: Apache-2.0 */
/* mailchain-wizard.c - see mailchain-wizard.h. */
#include <config.h>
#include "mailchain-wizard.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "text.h"

#define WIZARD_HTTPS_PORT 443u
#define WIZARD_HTTP_PORT 80u
#define WIZARD_IMAPS_PORT 993u
#define WIZARD_CUSTOM_PORT 8080u
#define WIZARD_INTERVAL_S 300u

static int wizard_say(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
static int wizard_say(struct error *err, const char *fmt, ...)
{
    char text[2048];
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return output_text(text, err);
}

/* A line of the input without its end; *out_cut: it is longer than @out. 0, or -1 at the end. */
static int wizard_line(char out[MAILCHAIN_TEXT_MAX], bool *out_cut, struct error *err)
{
    size_t used = 0;
    char byte;
    *out_cut = false;
    for (;;) {
        ssize_t got = read(STDIN_FILENO, &byte, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(err, ERROR_USAGE, "the input ended before the questions did; nothing "
                             "more was saved");
        if (byte == '\n')
            break;
        if (byte == '\r')
            continue;
        *out_cut = used + 1 >= MAILCHAIN_TEXT_MAX;
        if (!*out_cut)
            out[used++] = byte;
    }
    out[used] = '\0';
    return 0;
}

/* Half a name is none: what is too long is asked for again. */
static int wizard_read(char out[MAILCHAIN_TEXT_MAX], struct error *err)
{
    bool cut;
    do {
        if (wizard_line(out, &cut, err) < 0 ||
            (cut && wizard_say(err, "  Please type %u bytes at most: ", MAILCHAIN_TEXT_MAX - 1) <
                        0))
            return -1;
    } while (cut);
    return 0;
}

/* Asks until the answer is one that can be used. */
static int wizard_text(const char *question, char value[MAILCHAIN_TEXT_MAX], struct error *err)
{
    char answer[MAILCHAIN_TEXT_MAX];
    for (;;) {
        if (wizard_say(err, "%s%s%s%s: ", question, value[0] != '\0' ? " [" : "", value,
                       value[0] != '\0' ? "]" : "") < 0 ||
            wizard_read(answer, err) < 0)
            return -1;
        char *start = answer + strspn(answer, " \t");
        size_t size = strlen(start);
        while (size > 0 && text_is_space(start[size - 1]))
            start[--size] = '\0';
        if (size == 0 && value[0] != '\0')
            return 0;
        if (size > 0 && !text_has_control(start) && text_is_utf8(start, size)) {
            memmove(value, start, size + 1);
            return 0;
        }
        if (wizard_say(err, "  Please type a name.\n") < 0)
            return -1;
    }
}

static int wizard_number(const char *question, uint32_t min, uint32_t max, uint32_t *value,
                         struct error *err)
{
    char answer[MAILCHAIN_TEXT_MAX];
    uint64_t number = 0;
    for (;;) {
        if (wizard_say(err, "%s [%u]: ", question, *value) < 0 || wizard_read(answer, err) < 0)
            return -1;
        if (answer[0] == '\0')
            return 0;
        if (text_to_u64(answer, max, &number) == 0 && number >= min) {
            *value = (uint32_t)number;
            return 0;
        }
        if (wizard_say(err, "  Please type a number from %u to %u.\n", min, max) < 0)
            return -1;
    }
}

/* One of two words, or the beginning of one and not of the other, in any case. */
static int wizard_choice(const char *question, const char *yes, const char *no, bool *value,
                         struct error *err)
{
    char answer[MAILCHAIN_TEXT_MAX];
    for (;;) {
        if (wizard_say(err, "%s (%s/%s) [%s]: ", question, yes, no, *value ? yes : no) < 0 ||
            wizard_read(answer, err) < 0)
            return -1;
        if (answer[0] == '\0')
            return 0;
        bool is_yes = text_starts_nocase(yes, answer), is_no = text_starts_nocase(no, answer);
        if (is_yes && is_no) { /* "http" begins both, and so does "h": the whole word decides */
            is_yes = text_equal_nocase(yes, answer);
            is_no = text_equal_nocase(no, answer);
        }
        if (is_yes || is_no) {
            *value = is_yes;
            return 0;
        }
        if (wizard_say(err, "  Please type %s or %s.\n", yes, no) < 0)
            return -1;
    }
}

static enum mailchain_answer wizard_save(struct error *err)
{
    bool save = true;
    if (wizard_choice("Save these settings?", "Save", "Cancel", &save, err) < 0)
        return MAILCHAIN_LEFT;
    return save ? MAILCHAIN_SAVE : MAILCHAIN_CANCEL;
}

enum mailchain_answer mailchain_wizard_imap(struct mailchain_config *c, struct error *err)
{
    c->imap_port = c->imap_port != 0 ? c->imap_port : WIZARD_IMAPS_PORT;
    c->imap_ssl = c->imap_ssl || !c->has_imap;
    if (wizard_say(err, "IMAP server: where messages are delivered to\n") < 0 ||
        wizard_text("IMAP server (imap.example.com)", c->server, err) < 0 ||
        wizard_text("User name", c->username, err) < 0 ||
        wizard_number("Port", 1, 65535, &c->imap_port, err) < 0 ||
        wizard_choice("Use SSL?", "Yes", "No", &c->imap_ssl, err) < 0 ||
        wizard_say(err, "\n  server    %s\n  user name %s\n  port      %u\n  SSL       %s\n\n",
                   c->server, c->username, c->imap_port, c->imap_ssl ? "Yes" : "No") < 0)
        return MAILCHAIN_LEFT;
    return wizard_save(err);
}

/* A port of its own, or the usual one of the scheme. */
static int wizard_port(struct mailchain_config *c, struct error *err)
{
    uint32_t usual = c->ssl ? WIZARD_HTTPS_PORT : WIZARD_HTTP_PORT;
    bool custom = c->port != WIZARD_HTTPS_PORT && c->port != WIZARD_HTTP_PORT;
    uint32_t port = c->port != 0 && custom ? c->port : WIZARD_CUSTOM_PORT;
    if (wizard_choice("Connect to a custom port?", "Yes", "No", &custom, err) < 0 ||
        (custom && wizard_number("Port", 1, 65535, &port, err) < 0))
        return -1;
    c->port = custom ? port : usual;
    return 0;
}

enum mailchain_answer mailchain_wizard_mailchain(struct mailchain_config *c, struct error *err)
{
    bool by_network = !c->by_address;
    if (!c->has_mailchain) {
        c->ssl = c->mainnet_to_inbox = by_network = true;
        c->interval_s = WIZARD_INTERVAL_S;
    }
    if (c->hostname[0] == '\0')
        text_copy(c->hostname, sizeof c->hostname, "127.0.0.1");
    if (wizard_say(err, "\nMailchain client: where messages come from\n") < 0 ||
        wizard_text("Host name", c->hostname, err) < 0 ||
        wizard_choice("https or http? (a client on this machine speaks http)", "https", "http",
                      &c->ssl, err) < 0 ||
        wizard_port(c, err) < 0 ||
        wizard_choice("Folders: by_network is Protocol>Network>Address, by_address is "
                      "Address>Protocol>Network", "by_network", "by_address", &by_network, err) <
            0 ||
        wizard_choice("Messages of main networks to the inbox?", "Yes", "No", &c->mainnet_to_inbox,
                      err) < 0 ||
        wizard_number("Look for messages every so many seconds", MAILCHAIN_INTERVAL_MIN_S,
                      MAILCHAIN_INTERVAL_MAX_S, &c->interval_s, err) < 0)
        return MAILCHAIN_LEFT;
    c->by_address = !by_network;
    if (wizard_say(err,
                   "\n  host name %s\n  scheme    %s\n  port      %u\n  folders   %s\n  inbox     "
                   "%s\n  interval  %u s\n\n",
                   c->hostname, c->ssl ? "https" : "http", c->port,
                   c->by_address ? "by_address" : "by_network", c->mainnet_to_inbox ? "Yes" : "No",
                   c->interval_s) < 0)
        return MAILCHAIN_LEFT;
    return wizard_save(err);
}
