/* SPDX-License-Identifier: Apache-2.0 */
/* error.c - one failure, told once. See error.h. */
#include <config.h>
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    enum error_reach reach;
    int exit_code; /* sysexits.h */
} error_classes[] = {
    [ERROR_NONE] = {"none", ERROR_REACH_MAIL, 0},
    [ERROR_MAIL] = {"mail", ERROR_REACH_MAIL, 65},
    [ERROR_UNREACHABLE] = {"unreachable", ERROR_REACH_LINK, 69},
    [ERROR_LINK] = {"link", ERROR_REACH_LINK, 75},
    [ERROR_PAUSE] = {"pause", ERROR_REACH_PAUSE, 75},
    [ERROR_PROTOCOL] = {"protocol", ERROR_REACH_LINK, 76},
    [ERROR_CERTIFICATE] = {"certificate", ERROR_REACH_SETUP, 76},
    [ERROR_CREDENTIALS] = {"credentials", ERROR_REACH_SETUP, 77},
    [ERROR_CONFIG] = {"config", ERROR_REACH_SETUP, 78},
    [ERROR_USAGE] = {"usage", ERROR_REACH_SETUP, 64},
    [ERROR_CREATE] = {"create", ERROR_REACH_SETUP, 73},
    [ERROR_STORE] = {"store", ERROR_REACH_LINK, 74},
    [ERROR_CANCELLED] = {"cancelled", ERROR_REACH_LINK, 75},
    [ERROR_BUG] = {"bug", ERROR_REACH_SETUP, 70},
    [ERROR_HELD] = {"held", ERROR_REACH_SETUP, 78}, /* not 75: waiting does not release it */
};

#define ERROR_CLASSES (sizeof error_classes / sizeof error_classes[0])

#define ERROR_WORD_MAX 200u /* bytes of a word that is left out whole */

/* vsnprintf cut the text: step back over a character that was cut in half, and over a word, which may
 * be a password that a server said back; then say so. */
static void error_mark_cut(char *text, size_t size)
{
    static const char mark[] = " ...";
    size_t end = size - sizeof mark;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80)
        end--;
    size_t word = end;
    while (word > 0 && end - word < ERROR_WORD_MAX && text[word] != ' ')
        word--;
    end = text[word] == ' ' ? word : end;
    memcpy(text + end, mark, sizeof mark);
}

int(error_set)(struct error *err, enum error_class class, const char *fmt, ...)
{
    if (err == NULL)
        return -1;
    err->class = class;
    err->pause_s = 0;
    va_list args;
    va_start(args, fmt);
    int need = vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    if (need < 0 || (size_t)need >= sizeof err->text)
        error_mark_cut(err->text, sizeof err->text);
    return -1;
}

int(error_oom)(struct error *err, const char *where)
{
    return error_set(err, ERROR_BUG, "out of memory while %s; free some memory and run again",
                     where);
}

const char *error_remedy(int why, const char *otherwise)
{
    return why == EMFILE || why == ENFILE
               ? "allow more open files (ulimit -n; LimitNOFILE= of the service)"
               : otherwise;
}

void error_prefix(struct error *err, const char *fmt, ...)
{
    if (err == NULL)
        return;
    char old[ERROR_TEXT_MAX];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, fmt);
    int need = vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    size_t used = need < 0 ? 0 : strnlen(err->text, sizeof err->text);
    int more = snprintf(err->text + used, sizeof err->text - used, ": %s", old);
    if (more < 0 || (size_t)more >= sizeof err->text - used)
        error_mark_cut(err->text, sizeof err->text);
}

enum error_reach error_reach(enum error_class class)
{
    return (size_t)class < ERROR_CLASSES ? error_classes[class].reach : ERROR_REACH_SETUP;
}

int error_exit_code(enum error_class class)
{
    return (size_t)class < ERROR_CLASSES ? error_classes[class].exit_code : 70;
}

const char *error_class_name(enum error_class class)
{
    return (size_t)class < ERROR_CLASSES ? error_classes[class].name : "unknown";
}
