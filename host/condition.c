/* SPDX-License-Identifier: Apache-2.0 */
/* condition.c - which mail makes work in a work queue. See condition.h. */
#include <config.h>
#include "condition.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "suggest.h"
#include "text.h"

struct condition {
    char *text;
    struct filter *filter;
    bool negated;
};

/* Names of one field, and where its text is. */
static const struct condition_field {
    const char *name, *other; /* other: NULL for none */
    size_t offset;            /* of a text in struct loader_mail */
} condition_fields[] = {
    {"Subject", NULL, offsetof(struct loader_mail, subject)},
    {"Sender", "From", offsetof(struct loader_mail, sender)},
    {"Recipient", "To", offsetof(struct loader_mail, recipient)},
    {"Cc", NULL, offsetof(struct loader_mail, cc)},
    {"Bcc", NULL, offsetof(struct loader_mail, bcc)},
    {"Body", NULL, offsetof(struct loader_mail, message_body)},
};
#define CONDITION_FIELDS (sizeof condition_fields / sizeof condition_fields[0])

static bool condition_looks_at(const struct condition *condition,
                               const struct condition_field *field)
{
    const char *name = filter_header(condition->filter);
    return text_equal(name, "*") || text_equal_nocase(name, field->name) ||
           (field->other != NULL && text_equal_nocase(name, field->other));
}

static int condition_check_field(const struct condition *condition, struct error *err)
{
    const char *name = filter_header(condition->filter);
    struct suggest suggest;
    suggest_start(&suggest, name);
    for (size_t i = 0; i < CONDITION_FIELDS; i++) {
        if (condition_looks_at(condition, &condition_fields[i]))
            return 0;
        suggest_offer(&suggest, condition_fields[i].name);
    }
    const char *near = suggest_best(&suggest);
    char shown[64];
    text_printable(shown, sizeof shown, name, strlen(name));
    return error_set(err, ERROR_USAGE, "condition: an entry has no '%s'; give Subject, Sender, "
                     "Recipient, Cc, Bcc, Body or *%s%s%s", shown,
                     near == NULL ? "" : "; did you mean '", near == NULL ? "" : near,
                     near == NULL ? "" : "'?");
}

int condition_new(const char *text, struct condition **out_condition, struct error *err)
{
    AUTO(condition) condition = calloc(1, sizeof *condition);
    if (condition == NULL || (condition->text = strdup(text)) == NULL)
        return error_oom(err, "reading a condition");
    condition->negated = text[0] == '!';
    if (filter_new(text + (condition->negated ? 1 : 0), &condition->filter, err) < 0 ||
        condition_check_field(condition, err) < 0)
        return -1;
    *out_condition = TAKE(condition);
    return 0;
}

void condition_free(struct condition *condition)
{
    if (condition == NULL)
        return;
    filter_free(condition->filter);
    free(condition->text);
    free(condition);
}

const char *condition_text(const struct condition *condition)
{
    return condition == NULL ? "" : condition->text;
}

static const char *condition_value(const struct loader_mail *mail,
                                   const struct condition_field *field)
{
    const char *value;
    memcpy(&value, (const char *)mail + field->offset, sizeof value);
    return value == NULL ? "" : value;
}

bool condition_is_met(const struct condition *condition, const struct loader_mail *mail)
{
    bool found = false;
    if (condition == NULL || mail == NULL)
        return true;
    const char *name = filter_header(condition->filter);
    for (size_t i = 0; i < CONDITION_FIELDS; i++) {
        if (!condition_looks_at(condition, &condition_fields[i]))
            continue;
        const char *value = condition_value(mail, &condition_fields[i]);
        /* Not all of a large text, which may lie in a file so as not to be in memory. */
        size_t size = strnlen(value, FILTER_SUBJECT_MAX);
        enum filter_result result = filter_match(condition->filter, name, value, size);
        if (result == FILTER_LIMIT)
            return true;
        found = found || result == FILTER_YES;
    }
    return found != condition->negated;
}
