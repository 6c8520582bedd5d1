/* SPDX-License-Identifier: Apache-2.0 */
/* serve-source.c - sources that appear, change and go under a running daemon. See
 * serve-private.h. */
#include <config.h>
#include "serve-private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection-text.h"
#include "source-secret.h"
#include "text.h"

/* ---- Servers --------------------------------------------------------------------------------- */

static bool serve_host_is_local(const char *name)
{
    return text_equal_nocase(name, "localhost") || text_equal(name, "127.0.0.1") ||
           text_equal(name, "::1");
}

/* By the name of the server in the url; sources without one share "". NULL out of memory. */
static struct serve_host *serve_host_of(struct serve *serve, const char *connection)
{
    AUTO_TEXT url = NULL;
    struct error ignored;
    char name[CONNECTION_HOST_MAX];
    if (connection_get(connection, "url", &url, &ignored) < 0)
        return NULL;
    connection_host(url == NULL ? "" : url, name);
    for (struct serve_host *host = serve->hosts; host != NULL; host = host->next)
        if (text_equal_nocase(host->name, name))
            return host;
    struct serve_host *host = calloc(1, sizeof *host);
    if (host == NULL || (host->name = strdup(name)) == NULL) {
        free(host);
        return NULL;
    }
    host->is_local = serve_host_is_local(name);
    host->next = serve->hosts;
    serve->hosts = host;
    return host;
}

/* ---- One source ------------------------------------------------------------------------------ */

void served_free(struct served *served)
{
    if (served == NULL)
        return;
    queue_source_free(served->fresh);
    unit_free(served->unit);
    free(served->cursor);
    free(served);
}

static void served_ask(struct serve *serve, struct served *served)
{
    char prompt[256], name[QUEUE_SOURCE_NAME_MAX * 2];
    const struct queue_source *source = served->unit->source;
    struct error err;
    if (!serve->asking || source->paused ||
        !text_equal(source->secret_kind, source_secret_name(SOURCE_SECRET_ASK)))
        return;
    text_printable(name, sizeof name, source->name, strlen(source->name));
    (void)snprintf(prompt, sizeof prompt, "Password of source %s: ", name);
    if (secret_from_terminal(prompt, &served->unit->asked, &err) < 0)
        log_warning(serve->options.log, "source '%s': %s", source->name, err.text);
}

/* @source is given. NULL out of memory. */
static struct served *served_new(struct serve *serve, struct queue_source *source)
{
    struct served *served = calloc(1, sizeof *served);
    struct unit *unit = served == NULL ? NULL : unit_new(source, serve->options.clock);
    if (unit == NULL) {
        if (served == NULL)
            queue_source_free(source);
        free(served);
        return NULL;
    }
    const struct queue_source_report *told = &source->report;
    served->unit = unit;
    served->polled_fd = -1;
    served->left = told->left;
    atomic_store(&unit->left, told->left);
    served->host = serve_host_of(serve, source->connection);
    served->cursor = told->cursor == NULL ? NULL : strdup(told->cursor);
    source_state_init(&served->state, source->paused, told->import_started_s,
                      told->import_ended_s, serve_now(serve));
    served->state.contact_s = told->last_contact_s;
    served->state.success_s = told->last_success_s;
    if (told->last_message != NULL)
        text_copy(served->state.last_message, sizeof served->state.last_message,
                  told->last_message);
    served_ask(serve, served);
    served_changed(served);
    return served;
}

/* Does what is open go on with these? */
static bool source_works_alike(const struct queue_source *a, const struct queue_source *b)
{
    return text_equal(a->loader, b->loader) && text_equal(a->connection, b->connection) &&
           text_equal(a->user, b->user) && text_equal(a->queue, b->queue) &&
           text_equal(a->secret_kind, b->secret_kind) && a->secret_size == b->secret_size &&
           (a->secret_size == 0 || memcmp(a->secret, b->secret, a->secret_size) == 0) &&
           a->interval_s == b->interval_s;
}

/* What is open was opened with the old ones: it is closed first, unless it goes on alike. */
void serve_take_fresh(struct serve *serve, struct served *served)
{
    if (served->fresh == NULL ||
        (served->unit->handle != NULL && !source_works_alike(served->unit->source, served->fresh)))
        return;
    if (!text_equal(served->fresh->loader, served->unit->source->loader))
        unit_forget_plugin(served->unit);
    if (!text_equal(served->fresh->secret_kind, source_secret_name(SOURCE_SECRET_ASK)))
        secret_free(TAKE(served->unit->asked)); /* what was typed is not its password any more */
    unit_set_source(served->unit, TAKE(served->fresh));
    struct serve_host *host = serve_host_of(serve, served->unit->source->connection);
    if (host != NULL)
        served->host = host; /* analyse: the old one is in serve->hosts, as is this one */
}

static void served_pause_or_resume(struct serve *serve, struct served *served, bool paused)
{
    if (paused) {
        source_state_pause(&served->state, serve_now(serve));
        serve_halt(serve, served);
    } else {
        source_state_resume(&served->state, serve_now(serve));
        serve_ready(serve, served);
    }
    served_changed(served);
}

/* @source is given: the settings that this source has now. */
static void served_change(struct serve *serve, struct served *served, struct queue_source *source)
{
    const struct queue_source *before =
        served->fresh != NULL ? served->fresh : served->unit->source;
    bool alike = source_works_alike(before, source), synced = before->syncs != source->syncs;
    bool was_paused = before->paused, is_paused = source->paused;
    queue_source_free(served->fresh);
    served->fresh = source;
    if (served->phase != SERVED_WORKING)
        serve_take_fresh(serve, served);
    if (!alike) {
        source_state_edited(&served->state, serve_now(serve));
        serve_halt(serve, served);
    }
    /* Whoever touches a source that is held has looked at it. */
    if (was_paused != is_paused || (served->state.status == SOURCE_HELD && !is_paused))
        served_pause_or_resume(serve, served, is_paused);
    else if (!is_paused && synced)
        serve_sync(serve, served);
    else if (!is_paused && !alike)
        serve_ready(serve, served);
    served_changed(served);
}

/* ---- All of them ----------------------------------------------------------------------------- */

/* Both lists are by name: the new one is made while the old one is walked along. */
struct serve_merge {
    struct serve *serve;
    struct served **items;
    size_t count, capacity, at; /* at: in the old list */
    bool out_of_memory;
};

static void merge_drop(struct serve_merge *merge)
{
    struct served *served = merge->serve->items[merge->at++];
    served->gone = true;
    serve_halt(merge->serve, served);
    merge->items[merge->count++] = served; /* until it is at rest */
}

static int merge_make_room(struct serve_merge *merge)
{
    /* Room for this one and for all of the old ones: none of those can fail to be kept. */
    size_t wanted = merge->count + merge->serve->count - merge->at + 1;
    if (wanted <= merge->capacity)
        return 0;
    /* analyse: an array of pointers is what is wanted */
    struct served **items = reallocarray(merge->items, wanted * 2, sizeof *items);
    if (items == NULL)
        return -1;
    merge->items = items;
    merge->capacity = wanted * 2;
    return 0;
}

static void merge_one(struct serve_merge *merge, struct queue_source *source)
{
    struct serve *serve = merge->serve;
    struct served *at = merge->at < serve->count ? serve->items[merge->at] : NULL;
    if (at != NULL && strcmp(at->unit->source->id, source->id) == 0) {
        merge->items[merge->count++] = serve->items[merge->at++];
        uint64_t version = (at->fresh != NULL ? at->fresh : at->unit->source)->version;
        if (version != source->version)
            served_change(serve, at, source);
        else
            queue_source_free(source);
        return;
    }
    struct served *added = served_new(serve, source);
    if (added == NULL) {
        merge->out_of_memory = true;
        return;
    }
    merge->items[merge->count++] = added;
    if (added->state.status != SOURCE_PAUSED)
        serve_ready(serve, added);
}

static int merge_visit(void *context, const struct queue_source *given)
{
    struct serve_merge *merge = context;
    struct serve *serve = merge->serve;
    struct queue_source *source = queue_source_copy(given);
    merge->out_of_memory = source == NULL || merge_make_room(merge) < 0;
    if (merge->out_of_memory) {
        queue_source_free(source);
        return 1;
    }
    while (merge->at < serve->count &&
           (strcmp(serve->items[merge->at]->unit->source->name, source->name) < 0 ||
            (strcmp(serve->items[merge->at]->unit->source->name, source->name) == 0 &&
             strcmp(serve->items[merge->at]->unit->source->id, source->id) != 0)))
        merge_drop(merge);
    merge_one(merge, source);
    return merge->out_of_memory;
}

static int serve_merge_all(struct serve *serve, struct error *err)
{
    struct serve_merge merge = {.serve = serve};
    int bad = merge_make_room(&merge);
    if (bad == 0)
        bad = queue_source_each(serve->queue, merge_visit, &merge, err);
    if (bad == 0 && merge.out_of_memory)
        bad = error_oom(err, "reading the sources");
    if (merge.items == NULL)
        return error_oom(err, "reading the sources");
    while (merge.at < serve->count) {
        if (bad == 0)
            merge_drop(&merge);
        else
            merge.items[merge.count++] = serve->items[merge.at++]; /* nothing is known of them */
    }
    free(serve->items);
    serve->items = merge.items;
    serve->count = merge.count;
    return bad;
}

int serve_load(struct serve *serve, bool always, struct error *err)
{
    uint64_t epoch;
    if (queue_source_epoch(serve->queue, &epoch, err) < 0)
        return -1;
    if (serve->loaded && !always && epoch == serve->epoch)
        return 0;
    if (serve_merge_all(serve, err) < 0)
        return -1;
    serve->epoch = epoch;
    serve->loaded = true;
    return 0;
}

void serve_settle_gone(struct serve *serve)
{
    size_t kept = 0;
    for (size_t i = 0; i < serve->count; i++) {
        struct served *served = serve->items[i];
        if (served->gone && served->phase == SERVED_RESTING && served->unit->handle == NULL)
            served_free(served);
        else
            serve->items[kept++] = served;
    }
    serve->count = kept;
}
