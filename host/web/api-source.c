/* SPDX-License-Identifier: Apache-2.0 */
/* api-source.c - ingestion-sources: list, create, get, update, delete, and what operators do. */
#include <config.h>
#include "api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check-run.h"
#include "source-command.h"
#include "source-form.h"
#include "source-json.h"
#include "source-secret.h"
#include "text.h"

#define SOURCE_TRIES 10u /* somebody else may be changing it at the same time */

struct queue_source *api_source_of(struct api_call *call)
{
    struct queue_source *source;
    struct error err;
    if (queue_source_get(call->queue, call->match.parts[0], &source, &err) == 0) {
        text_copy(call->object, sizeof call->object, source->name);
        return source;
    }
    if (err.class == ERROR_USAGE)
        api_fail(call, 404, "there is no such source", "look at the list");
    else
        api_error(call, &err);
    return NULL;
}

/* ---- list, get ------------------------------------------------------------------------------- */

struct source_page {
    json_t *list;
    uint64_t left;
    char last[QUEUE_SOURCE_NAME_MAX + 1];
    bool more;
};

static int source_page_each(void *context, const struct queue_source *source)
{
    struct source_page *page = context;
    if (page->left == 0) {
        page->more = true;
        return 1;
    }
    page->left--;
    text_copy(page->last, sizeof page->last, source->name);
    if (json_array_append_new(page->list, source_form_json(source)) == 0)
        return 0;
    json_decref(TAKE(page->list));
    return 1;
}

static void source_page_link(struct api_call *call, const struct source_page *page, uint64_t limit)
{
    AUTO_DONE(buffer) link;
    buffer_init(&link, HTTP_HEADER_SIZE - 1);
    int bad = buffer_printf(&link, "<" ROUTE_START "ingestion-sources?limit=%u&after=",
                            (unsigned)limit);
    for (const char *at = page->last; *at != '\0'; at++)
        bad |= (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9')
                   ? buffer_append_byte(&link, (uint8_t)*at)
                   : buffer_printf(&link, "%%%02X", (unsigned char)*at);
    if ((bad | buffer_append_text(&link, ">; rel=\"next\"")) == 0)
        (void)http_answer_header(call->answer, "Link", buffer_text(&link));
}

/* Without a limit all there are, as other clients expect. */
void api_source_list(struct api_call *call)
{
    struct source_page page = {.left = UINT64_MAX};
    struct error err;
    uint64_t limit;
    const char *after = http_request_query(call->request, "after");
    if (api_limit(call, UINT64_MAX, &limit) < 0)
        return;
    page.left = limit;
    page.list = json_array();
    if (queue_source_each_after(call->queue, after == NULL ? "" : after, source_page_each, &page,
                                &err) < 0) {
        json_decref(page.list);
        api_error(call, &err);
        return;
    }
    if (page.more && page.list != NULL)
        source_page_link(call, &page, limit);
    api_json(call, 200, page.list);
}

void api_source_get(struct api_call *call)
{
    AUTO(queue_source) source = api_source_of(call);
    if (source != NULL)
        api_json(call, 200, source_form_json(source));
}

/* ---- create, update -------------------------------------------------------------------------- */

/* What was read, and how it would do. */
struct source_draft {
    struct queue_source *source;
    struct secret *secret; /* NULL: none */
    json_t *steps;
};

static void source_draft_done(struct source_draft *draft)
{
    queue_source_free(draft->source);
    secret_free(draft->secret);
    json_decref(draft->steps);
}

/* -1: answered. */
static int draft_test(struct api_call *call, struct source_draft *draft)
{
    const struct web_lent *lent = web_lent(call->web);
    struct error err;
    if (check_run(draft->source, draft->secret, !lent->private_hosts, lent->clock, lent->log,
                  (struct check_follower){.progress = NULL}, &draft->steps, &err) == 0)
        return 0;
    api_error(call, &err);
    return -1;
}

/* Unless body.test is false. */
static int draft_test_if_wanted(struct api_call *call, struct source_draft *draft)
{
    bool wanted = true;
    if (api_boolean(call, call->body, "test", &wanted) < 0)
        return -1;
    return wanted ? draft_test(call, draft) : 0;
}

static int draft_fail(struct api_call *call, const struct error *err)
{
    api_error(call, err);
    return -1;
}

static int draft_new(struct api_call *call, struct source_draft *draft)
{
    struct queue_source *source = draft->source = queue_source_new();
    struct error err;
    if (source == NULL || (source->name = strdup("")) == NULL ||
        (source->loader = strdup(SOURCE_LOADER_DEFAULT)) == NULL ||
        (source->queue = strdup(SOURCE_QUEUE_NAME)) == NULL ||
        (source->connection = strdup("ssl=True")) == NULL) {
        error_oom(&err, "reading a source");
        return draft_fail(call, &err);
    }
    source->interval_s = SOURCE_INTERVAL_MS / 1000;
    queue_source_id(source->id);
    return 0;
}

/* A password that is given is stored, sealed. */
static int draft_password(struct api_call *call, struct source_draft *draft, const char *password)
{
    struct error err;
    if (secret_from_bytes(password, strlen(password), "the form", &draft->secret, &err) < 0 ||
        source_secret_set(draft->source, SOURCE_SECRET_STORED, NULL, web_lent(call->web)->vault,
                          draft->secret, &err) < 0)
        return draft_fail(call, &err);
    return 0;
}

static int draft_read_new(struct api_call *call, struct source_draft *draft)
{
    const char *name, *password;
    if (call->body == NULL) {
        api_fail(call, 400, "the body is missing", "send the source as JSON");
        return -1;
    }
    if (draft_new(call, draft) < 0 || api_text(call, call->body, "name", &name) < 0)
        return -1;
    if (name != NULL) {
        char *copy = strdup(name);
        free(draft->source->name);
        draft->source->name = copy;
        text_copy(call->object, sizeof call->object, name);
    }
    /* analyse: no leak of copy, the source keeps it */
    if (source_form_read(call, call->body, draft->source, &password) < 0)
        return -1;
    if (draft->source->user == NULL || password[0] == '\0') {
        api_fail(call, 400, "user name or password is missing", "give both");
        return -1;
    }
    return draft_password(call, draft, password);
}

void api_source_create(struct api_call *call)
{
    AUTO_DONE(source_draft) draft = {.source = NULL};
    AUTO(queue_source) there = NULL;
    struct error err;
    if (draft_read_new(call, &draft) < 0)
        return;
    if (draft.source->name != NULL &&
        queue_source_get(call->queue, draft.source->name, &there, &err) == 0) {
        api_fail(call, 400, "there is a source of that name already", "choose another name");
        return;
    }
    if (draft_test_if_wanted(call, &draft) < 0)
        return;
    if (queue_source_add(call->queue, draft.source, &err) < 0)
        api_error(call, &err);
    else
        api_json(call, 201, source_form_json(draft.source));
}

/* The stored password for the test; it goes to the server that it went to. */
static int update_kept_password(struct api_call *call, const struct queue_source *before,
                                struct source_draft *draft)
{
    struct error err;
    if (!source_form_same_server(before, draft->source)) {
        api_fail(call, 400, "the password is to be given again: server, user or the way there change",
                 "send it as password");
        return -1;
    }
    if (source_secret_read(draft->source, web_lent(call->web)->vault, NULL, NULL, &draft->secret,
                           &err) < 0)
        return draft_fail(call, &err);
    return 0;
}

/* {"status": "active"} resumes; "paused" pauses; others are how it goes, not what is ordered. */
static int update_status(struct api_call *call, struct queue_source *source)
{
    const char *status;
    if (api_text(call, call->body, "status", &status) < 0)
        return -1;
    if (text_equal(status, "active") && source->paused)
        source->paused = false;
    else if (text_equal(status, "paused"))
        source->paused = true;
    return 0;
}

/* Nothing of it but name and status was sent. */
static bool update_is_light(const json_t *body)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)(uintptr_t)body, key, value)
        if (!text_equal(key, "status") && !text_equal(key, "name"))
            return false;
    return true;
}

static int update_read(struct api_call *call, const struct queue_source *before,
                       struct source_draft *draft)
{
    const char *name, *password;
    if (call->body == NULL) {
        api_fail(call, 400, "the body is missing", "send what is to change as JSON");
        return -1;
    }
    if (api_text(call, call->body, "name", &name) < 0 || update_status(call, draft->source) < 0)
        return -1;
    if (name != NULL && !text_equal(name, before->name)) {
        api_fail(call, 400, "a source keeps its name: it stands in its entries",
                 "make another source");
        return -1;
    }
    if (update_is_light(call->body))
        return 0;
    if (source_form_read(call, call->body, draft->source, &password) < 0)
        return -1;
    int bad = password[0] != '\0' ? draft_password(call, draft, password)
                                  : update_kept_password(call, before, draft);
    return bad < 0 ? -1 : draft_test_if_wanted(call, draft);
}

static void source_changed(struct api_call *call, struct queue_source *source)
{
    struct error err;
    if (queue_source_change(call->queue, source, &err) == 0)
        api_json(call, 200, source_form_json(source));
    else if (err.class == ERROR_USAGE && strstr(err.text, "meanwhile") != NULL)
        api_fail(call, 409, "somebody else changed it meanwhile", "look at it, then do it again");
    else
        api_error(call, &err);
}

void api_source_update(struct api_call *call)
{
    AUTO(queue_source) before = api_source_of(call);
    AUTO_DONE(source_draft) draft = {.source = NULL};
    struct error err;
    if (before == NULL)
        return;
    draft.source = queue_source_copy(before);
    if (draft.source == NULL) {
        error_oom(&err, "changing a source");
        api_error(call, &err);
        return;
    }
    if (update_read(call, before, &draft) == 0)
        source_changed(call, draft.source);
}

/* ---- test ------------------------------------------------------------------------------------ */

/* What is tested: a source that is not there yet, or with body.id one that is, changed as the form
 * says, by its own password unless another is given. -1: answered. */
static int test_read(struct api_call *call, struct source_draft *draft)
{
    AUTO(queue_source) before = NULL;
    const char *id, *password;
    struct error err;
    if (call->body == NULL || json_object_get(call->body, "id") == NULL)
        return draft_read_new(call, draft);
    if (api_text(call, call->body, "id", &id) < 0)
        return -1;
    if (queue_source_get(call->queue, id == NULL ? "" : id, &before, &err) < 0) {
        api_fail(call, 404, "there is no such source", "look at the list");
        return -1;
    }
    text_copy(call->object, sizeof call->object, before->name);
    if ((draft->source = queue_source_copy(before)) == NULL) {
        error_oom(&err, "testing a source");
        return draft_fail(call, &err);
    }
    if (source_form_read(call, call->body, draft->source, &password) < 0)
        return -1;
    return password[0] != '\0' ? draft_password(call, draft, password)
                               : update_kept_password(call, before, draft);
}

static void test_answer(struct api_call *call, int failed, const struct error *err,
                        const json_t *steps)
{
    AUTO_JSON out = json_object();
    const char *class = failed == 0 ? NULL : error_class_name(err->class);
    if (json_line_set(out, "ok", json_boolean(failed == 0)) < 0 ||
        json_line_set(out, "class", json_line_text(class)) < 0 ||
        json_line_set(out, "message", json_line_text(failed == 0 ? NULL : err->text)) < 0 ||
        json_line_set(out, "steps", json_deep_copy(steps)) < 0)
        json_decref(TAKE(out));
    api_json(call, 200, TAKE(out));
}

void api_test(struct api_call *call)
{
    AUTO_DONE(source_draft) draft = {.source = NULL};
    const struct web_lent *lent = web_lent(call->web);
    struct error err = {.class = ERROR_NONE};
    const char *run = NULL;
    if (test_read(call, &draft) < 0 || api_text(call, call->body, "run", &run) < 0)
        return;
    const struct check_follower follower = {lent->tests, check_progress_begin(lent->tests, run)};
    int failed = check_run(draft.source, draft.secret, !lent->private_hosts, lent->clock, lent->log,
                           follower, &draft.steps, &err);
    check_progress_end(lent->tests, follower.run);
    test_answer(call, failed, &err, draft.steps);
}

void api_test_steps(struct api_call *call)
{
    json_t *steps = check_progress_steps(web_lent(call->web)->tests, call->match.parts[0]);
    if (steps == NULL) {
        api_fail(call, 404, "no test of that name is running", "the answer of its POST tells all");
        return;
    }
    AUTO_JSON out = json_object();
    if (json_line_set(out, "steps", steps) < 0)
        json_decref(TAKE(out));
    api_json(call, 200, TAKE(out));
}

void api_source_delete(struct api_call *call)
{
    AUTO(queue_source) source = api_source_of(call);
    struct error err;
    if (source == NULL)
        return;
    if (queue_source_remove(call->queue, source->id, &err) < 0)
        api_error(call, &err);
    else
        call->answer->code = 204;
}

/* ---- What operators do ----------------------------------------------------------------------- */

/* The source as it is then; NULL: answered. Somebody else's change is kept, and this one made in
 * it. */
static struct queue_source *source_order(struct api_call *call,
                                         void (*set)(struct queue_source *source))
{
    struct error err = {.class = ERROR_NONE};
    for (unsigned try = 0; try < SOURCE_TRIES; try++) {
        AUTO(queue_source) source = api_source_of(call);
        if (source == NULL)
            return NULL;
        set(source);
        if (queue_source_change(call->queue, source, &err) == 0)
            return TAKE(source);
        if (err.class != ERROR_USAGE)
            break;
    }
    api_error(call, &err);
    return NULL;
}

static void set_paused(struct queue_source *source)
{
    source->paused = true;
}

static void set_resumed(struct queue_source *source)
{
    source->paused = false;
}

/* As clients of others know it: what is told to sync is no longer paused. */
static void set_sync(struct queue_source *source)
{
    source->paused = false;
    source->syncs++;
}

static void order_and_show(struct api_call *call, void (*set)(struct queue_source *source))
{
    AUTO(queue_source) source = source_order(call, set);
    if (source != NULL)
        api_json(call, 200, source_form_json(source));
}

static void order_told(struct api_call *call, const char *message)
{
    json_t *out = json_object();
    if (json_line_set(out, "message", json_line_text(message)) < 0)
        json_decref(TAKE(out));
    api_json(call, 202, out);
}

static void order_and_tell(struct api_call *call, const char *message)
{
    AUTO(queue_source) source = source_order(call, set_sync);
    if (source != NULL)
        order_told(call, message);
}

void api_source_pause(struct api_call *call)
{
    order_and_show(call, set_paused);
}

void api_source_resume(struct api_call *call)
{
    order_and_show(call, set_resumed);
}

void api_source_sync(struct api_call *call)
{
    order_and_tell(call, "Force sync triggered by user.");
}

void api_source_import(struct api_call *call)
{
    AUTO(queue_source) source = api_source_of(call);
    if (source == NULL)
        return;
    if (text_equal(source_status_shown(source), "importing")) /* what is under way goes on */
        order_told(call, "The import is under way already.");
    else
        order_and_tell(call, "Starting initial import...");
}
