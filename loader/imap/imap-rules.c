/* SPDX-License-Identifier: Apache-2.0 */
/* imap-rules.c - accept and skip. See imap-rules.h. */
#include <config.h>
#include "imap-rules.h"

#include <stdlib.h>

#include "header-text.h"
#include "mime-header.h"
#include "text.h"

int imap_rules_init(struct imap_rules *rules, const struct imap_settings *settings,
                    struct error *err)
{
    *rules = (struct imap_rules){0};
    if ((settings->accept != NULL && filter_new(settings->accept, &rules->accept, err) < 0) ||
        (settings->skip != NULL && filter_new(settings->skip, &rules->skip, err) < 0)) {
        imap_rules_done(rules);
        return -1;
    }
    return 0;
}

void imap_rules_done(struct imap_rules *rules)
{
    filter_free(rules->accept);
    filter_free(rules->skip);
    *rules = (struct imap_rules){0};
}

bool imap_rules_any(const struct imap_rules *rules)
{
    return rules->accept != NULL || rules->skip != NULL;
}

static bool imap_rule_wants(const struct filter *rule, struct span name)
{
    return rule != NULL &&
           (text_equal(filter_header(rule), "*") || span_is(name, filter_header(rule)));
}

/* Adds this field's answer to *out_match. */
static void imap_rule_ask(const struct filter *rule, const char *name, const struct buffer *value,
                          bool *out_match, bool *out_undecided)
{
    switch (filter_match(rule, name, buffer_text(value), value->len)) {
    case FILTER_YES:
        *out_match = true;
        break;
    case FILTER_LIMIT:
        *out_undecided = true;
        break;
    case FILTER_NO:
        break;
    }
}

int imap_rules_take(const struct imap_rules *rules, struct span header, bool *out_take,
                    bool *out_undecided, struct error *err)
{
    struct cursor block = cursor_over(header.bytes, header.len);
    struct mime_field field;
    bool accepted = rules->accept == NULL, skipped = false;
    int r = 0;
    *out_undecided = false;
    while (r == 0 && mime_field_next(&block, &field)) {
        bool accept = imap_rule_wants(rules->accept, field.name);
        bool skip = imap_rule_wants(rules->skip, field.name);
        if (!accept && !skip)
            continue;
        struct buffer value;
        buffer_init(&value, FILTER_SUBJECT_MAX);
        AUTO_TEXT name = span_copy(field.name);
        if (name == NULL || header_decode_text(field.value, &value, NULL) < 0)
            r = error_oom(err, "looking at a header");
        if (r == 0 && accept)
            imap_rule_ask(rules->accept, name, &value, &accepted, out_undecided);
        if (r == 0 && skip)
            imap_rule_ask(rules->skip, name, &value, &skipped, out_undecided);
        buffer_done(&value);
    }
    *out_take = accepted && !skipped;
    return r;
}
