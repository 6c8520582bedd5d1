/* SPDX-License-Identifier: Apache-2.0 */
/* steps.c - the steps of a loader's check. See steps.h. */
#include <config.h>
#include "steps.h"

#include <string.h>
#include <unistd.h>

#include "json-line.h"
#include "loader-plugin.h"
#include "output.h"
#include "terminal.h"
#include "text.h"

#define STEPS_LINE_MAX 8192u

void steps_init(struct steps *steps, bool json, bool quiet)
{
    *steps = (struct steps){.json = json, .quiet = quiet};
    steps->signs = terminal_is(STDOUT_FILENO) && terminal_has_utf8();
    steps->color = terminal_has_color(STDOUT_FILENO);
}

/* In the order of enum loader_check_state; one that we do not know is told as a warning. */
static const struct {
    const char *name, *sign, *word, *color;
} steps_states[] = {
    {"ok", "\xE2\x9C\x93", "ok:     ", "\033[32m"},
    {"warning", "!", "warning:", "\033[33m"},
    {"failed", "\xE2\x9C\x97", "failed: ", "\033[31m"},
};

static int steps_show_json(const char *step, size_t state, const char *text, struct error *err)
{
    AUTO_JSON line = json_object();
    if (json_line_set(line, "step", json_line_text(step)) < 0 ||
        json_line_set(line, "state", json_line_text(steps_states[state].name)) < 0 ||
        json_line_set(line, "text", json_line_text(text)) < 0)
        return error_oom(err, "telling a step");
    return output_json(line, err);
}

static int steps_show_line(const struct steps *steps, const char *step, size_t state,
                           const char *text, struct error *err)
{
    AUTO_DONE(buffer) line;
    buffer_init(&line, STEPS_LINE_MAX);
    const char *mark = steps->signs ? steps_states[state].sign : steps_states[state].word;
    int bad = buffer_printf(&line, "%s%s%s ", steps->color ? steps_states[state].color : "", mark,
                            steps->color ? "\033[0m" : "");
    bad |= text_append_printable(&line, step, strlen(step), STEPS_LINE_MAX / 16);
    if (text != NULL && text[0] != '\0')
        bad |= buffer_append_text(&line, ": ") |
               text_append_printable(&line, text, strlen(text), STEPS_LINE_MAX / 16);
    bad |= buffer_append_byte(&line, '\n');
    return bad < 0 ? error_oom(err, "telling a step") : output_bytes(&line, err);
}

void steps_report(void *context, const char *step, uint32_t state, const char *text)
{
    struct steps *steps = context;
    size_t known = state <= LOADER_CHECK_FAILED ? state : LOADER_CHECK_WARNING;
    char shown[ERROR_TEXT_MAX];
    text_copy(shown, sizeof shown, text == NULL ? "" : text);
    if (steps->secret != NULL)
        secret_hide(steps->secret, shown);
    if (steps->output_failed == 0 && !steps->quiet)
        steps->output_failed = steps->json ? steps_show_json(step == NULL ? "" : step, known, shown,
                                                             &steps->output_error)
                                           : steps_show_line(steps, step == NULL ? "" : step, known,
                                                             shown, &steps->output_error);
}
