/* SPDX-License-Identifier: Apache-2.0 */
/* mail-smime.c - see mail-smime.h. */
#include <config.h>
#include "mail-smime.h"

#include <stdlib.h>
#include <string.h>

#include "problem.h"
#include "text.h"

#define MAIL_SMIME_PIECE 4096u /* bytes gathered: a content can come in strings of one byte */

struct mail_smime {
    struct mime_handler handler;
    struct mail_texts *problems;
    struct cms_unwrap *cms;
    struct mime_parser *inner; /* NULL: no content has come */
    size_t piece_len;
    uint8_t piece[MAIL_SMIME_PIECE];
    uint8_t room[MAIL_SMIME_ROOM];
};

bool mail_smime_is(const char *content_type, const char *filename)
{
    if (strcmp(content_type, "application/pkcs7-mime") == 0 ||
        strcmp(content_type, "application/x-pkcs7-mime") == 0)
        return true;
    size_t len = filename != NULL ? strlen(filename) : 0;
    return len > 4 && text_equal_nocase(filename + len - 4, ".p7m") &&
           strcmp(content_type, "application/octet-stream") == 0;
}

static int mail_smime_flush(struct mail_smime *s)
{
    size_t len = s->piece_len;
    if (len == 0)
        return 0;
    s->piece_len = 0;
    if (s->inner == NULL)
        s->inner = mime_parser_new(&s->handler, s->problems);
    return s->inner != NULL ? mime_parser_feed(s->inner, s->piece, len) : -1;
}

static int mail_smime_take(void *context, const uint8_t *bytes, size_t count)
{
    struct mail_smime *s = context;
    while (count > 0) {
        size_t room = MAIL_SMIME_PIECE - s->piece_len;
        size_t n = count < room ? count : room;
        memcpy(s->piece + s->piece_len, bytes, n);
        s->piece_len += n;
        bytes += n;
        count -= n;
        if (s->piece_len == MAIL_SMIME_PIECE && mail_smime_flush(s) < 0)
            return -1;
    }
    return 0;
}

struct mail_smime *mail_smime_new(const struct mime_handler *handler, struct mail_texts *problems)
{
    AUTO(mail_smime) s = calloc(1, sizeof *s);
    if (s == NULL || (s->cms = cms_unwrap_new(mail_smime_take, s)) == NULL)
        return NULL;
    s->handler = *handler;
    s->problems = problems;
    return TAKE(s);
}

void mail_smime_free(struct mail_smime *s)
{
    if (s == NULL)
        return;
    mime_parser_free(s->inner);
    cms_unwrap_free(s->cms);
    free(s);
}

uint8_t *mail_smime_room(struct mail_smime *s)
{
    return s->room;
}

int mail_smime_write(struct mail_smime *s, const uint8_t *bytes, size_t count)
{
    return cms_unwrap_feed(s->cms, bytes, count) < 0 ? -1 : mail_smime_flush(s);
}

int mail_smime_finish(struct mail_smime *s)
{
    if (s->inner == NULL)
        return 0;
    if (!cms_unwrap_is_whole(s->cms) &&
        problem_add(s->problems, "signed message is cut off, its end is missing") < 0)
        return -1;
    return mime_parser_finish(s->inner);
}

enum cms_kind mail_smime_kind(const struct mail_smime *s)
{
    enum cms_kind kind = cms_unwrap_kind(s->cms);
    return kind == CMS_SIGNED && s->inner == NULL ? CMS_NONE : kind;
}
