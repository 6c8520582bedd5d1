/* SPDX-License-Identifier: Apache-2.0 */
/* header-charset.c - see header-charset.h. */
#include <config.h>
#include "header-charset.h"

#include <string.h>

#include "charset-names.h"
#include "charset.h"
#include "encoded-word.h"
#include "header-value.h"
#include "mime-header.h"
#include "problem.h"
#include "text.h"

/* What 8-bit text of someone who writes in this charset is in; NULL: it says nothing. */
static const char *charset_of_bytes(const char *label)
{
    static const struct {
        const char *name, *bytes;
    } kin[] = {
        {CHARSET_GUESS, NULL}, {"UTF-8", NULL},       {"WINDOWS-1252", NULL},
        {CHARSET_JP, "CP932"}, {CHARSET_HZ, "GB18030"}, {"ISO-2022-KR", "CP949"},
    };
    const char *name = label != NULL ? charset_name(label) : NULL;
    for (size_t i = 0; name != NULL && i < sizeof kin / sizeof kin[0]; i++)
        if (strcmp(name, kin[i].name) == 0)
            return kin[i].bytes;
    if (name != NULL && (strncmp(name, "UTF-", 4) == 0 || strncmp(name, "ISO-2022-", 9) == 0))
        return NULL; /* no charset of single bytes */
    return name;
}

/* *out_said: it names an 8-bit charset, though it may be no hint: windows-1252 is what is read
 * without one. */
static int hint_of_type(struct span block, const char **out_name, bool *out_said)
{
    struct header_value type;
    struct span value;
    *out_said = false;
    if (!mime_field_find(block, "Content-Type", &value))
        return 0;
    if (header_parse_value(value, &type, NULL) < 0)
        return -1;
    const char *label = header_value_get(&type, "charset");
    const char *name = label != NULL ? charset_name(label) : NULL;
    *out_name = charset_of_bytes(label);
    *out_said = *out_name != NULL || (name != NULL && strcmp(name, "WINDOWS-1252") == 0);
    header_value_done(&type);
    return 0;
}

static const char *hint_of_words(struct span block)
{
    struct cursor c = cursor_over(block.bytes, block.len);
    const char *name = NULL;
    while (name == NULL && c.pos < c.len) {
        struct encoded_word word;
        const uint8_t *at = memchr(c.bytes + c.pos, '=', c.len - c.pos);
        if (at == NULL)
            break;
        c.pos = (size_t)(at - c.bytes);
        size_t from = c.pos;
        if (encoded_word_parse(&c, &word) == PARSE_OK)
            name = charset_of_bytes(word.charset);
        else if (c.pos == from)
            c.pos++;
    }
    return name;
}

int header_charset_hint(struct span block, const char **out_name)
{
    bool said = false;
    *out_name = NULL;
    if (hint_of_type(block, out_name, &said) < 0)
        return -1;
    if (!said)
        *out_name = hint_of_words(block);
    return 0;
}

/* A boundary is compared with bytes of the body. */
static bool is_to_be_mended(const struct mime_field *field)
{
    static const char name[] = "boundary";
    if (text_is_utf8(field->value.bytes, field->value.len))
        return false;
    for (size_t at = 0; at + sizeof name - 1 <= field->value.len; at++)
        if (span_is((struct span){field->value.bytes + at, sizeof name - 1}, name))
            return false;
    return true;
}

static int tell(const char *charset, struct mail_texts *problems)
{
    char as[CHARSET_NAME_MAX];
    text_copy(as, sizeof as, charset);
    for (char *at = as; *at != '\0'; at++)
        *at = text_lower(*at);
    return problem_add(problems, "header: 8-bit text without charset, read as %s", as);
}

/* The value in UTF-8, or as it is. */
static int mend_value(struct span value, const char *charset, struct buffer *out,
                      struct mail_texts *problems)
{
    char problem[CHARSET_PROBLEM_MAX];
    size_t before = out->len;
    if (charset_to_utf8(charset, value, out, problem) < 0)
        return -1;
    if (problem[0] == '\0')
        return tell(charset, problems);
    buffer_truncate(out, before);
    return buffer_append(out, value.bytes, value.len);
}

int header_charset_mend(struct span block, const char *charset, struct buffer *out,
                        struct mail_texts *problems)
{
    struct cursor c = cursor_over(block.bytes, block.len);
    struct mime_field field;
    size_t done = 0;
    while (mime_field_next(&c, &field)) {
        if (field.value.len == 0 || !is_to_be_mended(&field))
            continue;
        size_t from = (size_t)(field.value.bytes - block.bytes);
        if (buffer_append(out, block.bytes + done, from - done) < 0 ||
            mend_value(field.value, charset, out, problems) < 0)
            return -1;
        done = from + field.value.len;
    }
    return buffer_append(out, block.bytes + done, block.len - done);
}
