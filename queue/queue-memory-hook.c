/* SPDX-License-Identifier: Apache-2.0 */
/* queue-memory-hook.c - hooks and their deliveries, in memory. See queue-hook.h. */
#include <config.h>
#include "queue-memory-private.h"

#include <stdlib.h>
#include <string.h>

#include "queue-entry.h"
#include "text.h"

struct memory_hook {
    struct memory_hook *next;
    struct queue_hook hook;
};

struct memory_delivery {
    struct memory_delivery *next;
    uint64_t number, hook;
    size_t entry; /* where in the array */
    bool moved, failed;
    uint32_t tries;
    int64_t due_s;
};

static void memory_hook_free(struct memory_hook *at)
{
    if (at == NULL)
        return;
    free(at->hook.target);
    free(at->hook.secret);
    free(at->hook.error);
    free(at);
}

/* ---- Setting --------------------------------------------------------------------------------- */

static struct memory_hook **memory_hook_place(struct queue_memory *store, const char *name,
                                              enum queue_hook_kind kind)
{
    struct memory_hook **at = &store->hooks;
    while (*at != NULL && ((*at)->hook.kind != kind || strcmp((*at)->hook.queue, name) != 0))
        at = &(*at)->next;
    return at;
}

static void memory_deliveries_drop(struct queue_memory *store, uint64_t hook)
{
    struct memory_delivery **at = &store->deliveries;
    while (*at != NULL) {
        struct memory_delivery *delivery = *at;
        if (delivery->hook != hook) {
            at = &delivery->next;
            continue;
        }
        *at = delivery->next;
        free(delivery);
    }
}

static void memory_hook_remove(struct queue_memory *store, const char *name,
                               enum queue_hook_kind kind)
{
    struct memory_hook **at = memory_hook_place(store, name, kind), *hook = *at;
    if (hook == NULL)
        return;
    memory_deliveries_drop(store, hook->hook.number);
    *at = hook->next;
    memory_hook_free(hook);
}

int memory_hook_set(void *store_, const char *name, enum queue_hook_kind kind, const char *target,
                    const uint8_t *secret, size_t secret_size, struct error *err)
{
    struct queue_memory *store = store_;
    if (target == NULL) {
        memory_hook_remove(store, name, kind);
        return 0;
    }
    char *new_target = strdup(target);
    uint8_t *new_secret = secret == NULL ? NULL : malloc(secret_size + 1);
    struct memory_hook **at = memory_hook_place(store, name, kind);
    struct memory_hook *hook = *at == NULL ? calloc(1, sizeof *hook) : *at;
    if (new_target == NULL || hook == NULL || (secret != NULL && new_secret == NULL)) {
        free(new_target);
        free(new_secret);
        if (*at == NULL) /* analyse: else it is in the list of the store, and stays */
            free(hook);
        return error_oom(err, "setting a hook");
    }
    if (*at == NULL) {
        hook->hook.number = ++store->last_number;
        hook->hook.kind = kind;
        text_copy(hook->hook.queue, sizeof hook->hook.queue, name);
        *at = hook;
    }
    if (secret != NULL)
        memcpy(new_secret, secret, secret_size);
    free(hook->hook.target);
    free(hook->hook.secret);
    hook->hook.target = new_target;
    hook->hook.secret = new_secret;
    /* analyse: the hook is in the list of the store, and has both texts */
    hook->hook.secret_size = secret == NULL ? 0 : secret_size;
    return 0;
}

static void memory_hook_count(const struct queue_memory *store, struct queue_hook *hook)
{
    hook->pending = hook->failed = 0;
    hook->due_s = 0;
    for (const struct memory_delivery *at = store->deliveries; at != NULL; at = at->next) {
        if (at->hook != hook->number)
            continue;
        ++*(at->failed ? &hook->failed : &hook->pending);
        int64_t due_s = at->due_s > 0 ? at->due_s : 1;
        if (!at->failed && (hook->due_s == 0 || due_s < hook->due_s))
            hook->due_s = due_s;
    }
}

int memory_hook_each(void *store_, int (*each)(void *context, const struct queue_hook *hook),
                     void *context, struct error *err)
{
    struct queue_memory *store = store_;
    (void)err;
    for (struct memory_hook *at = store->hooks; at != NULL; at = at->next) {
        memory_hook_count(store, &at->hook);
        if (each(context, &at->hook) != 0)
            break;
    }
    return 0;
}

/* ---- Deliveries ------------------------------------------------------------------------------ */

int memory_hook_fire(struct queue_memory *store, size_t entry, bool moved)
{
    const struct queue_entry *of = store->entries[entry].entry;
    struct memory_delivery **last = &store->deliveries;
    while (*last != NULL)
        last = &(*last)->next;
    for (const struct memory_hook *at = store->hooks; at != NULL; at = at->next) {
        if (strcmp(at->hook.queue, of->queue) != 0 || of->state == QUEUE_DONE)
            continue;
        struct memory_delivery *delivery = calloc(1, sizeof *delivery);
        if (delivery == NULL)
            return -1;
        *delivery = (struct memory_delivery){.number = ++store->last_number,
                                             .hook = at->hook.number,
                                             .entry = entry,
                                             .moved = moved,
                                             .due_s = moved ? 0 : of->created_s};
        *last = delivery;
        last = &delivery->next;
    }
    return 0;
}

static bool memory_delivery_before(const struct memory_delivery *a, int64_t due_s, uint64_t number)
{
    return a->due_s != due_s ? a->due_s < due_s : a->number <= number;
}

int memory_delivery_next(void *store_, uint64_t hook, const struct queue_delivery_place *at,
                         int64_t now_s, struct queue_delivery **out_delivery, struct error *err)
{
    const struct queue_memory *store = store_;
    const struct memory_delivery *found = NULL;
    for (const struct memory_delivery *i = store->deliveries; i != NULL; i = i->next) {
        if (i->hook != hook || i->failed || i->due_s > now_s ||
            (at->number != 0 && memory_delivery_before(i, at->due_s, at->number)))
            continue;
        if (found == NULL || memory_delivery_before(i, found->due_s, found->number))
            found = i;
    }
    if (found == NULL)
        return 0;
    AUTO(queue_delivery) delivery = calloc(1, sizeof *delivery);
    if (delivery == NULL ||
        (delivery->entry = queue_entry_copy(store->entries[found->entry].entry)) == NULL)
        return error_oom(err, "reading a delivery");
    delivery->number = found->number;
    delivery->hook = hook;
    delivery->moved = found->moved;
    delivery->tries = found->tries;
    delivery->due_s = found->due_s;
    *out_delivery = TAKE(delivery);
    return 0;
}

static void memory_delivery_end(struct memory_delivery **at, struct queue_hook *hook)
{
    struct memory_delivery *delivery = *at;
    *at = delivery->next;
    free(delivery);
    hook->delivered++;
    free(TAKE(hook->error));
}

static int memory_delivery_tell_one(struct queue_memory *store,
                                    const struct queue_delivery_outcome *outcome, int64_t now_s)
{
    struct memory_delivery **at = &store->deliveries;
    struct memory_hook *hook = store->hooks;
    while (*at != NULL && (*at)->number != outcome->number)
        at = &(*at)->next;
    while (hook != NULL && hook->hook.number != outcome->hook)
        hook = hook->next;
    if (*at == NULL || hook == NULL)
        return 0;
    if (outcome->outcome == QUEUE_ARRIVED) {
        memory_delivery_end(at, &hook->hook);
        return 0;
    }
    char why[QUEUE_HOOK_ERROR_MAX], *error = NULL;
    text_copy(why, sizeof why, outcome->error == NULL ? "" : outcome->error);
    if (queue_text_copy(why, &error) < 0)
        return -1;
    free(hook->hook.error);
    hook->hook.error = error;
    hook->hook.error_s = now_s;
    (*at)->tries++;
    (*at)->due_s = outcome->due_s;
    (*at)->failed = outcome->outcome == QUEUE_GIVEN_UP;
    return 0;
}

int memory_delivery_tell(void *store, const struct queue_delivery_outcome *outcomes, size_t count,
                         int64_t now_s, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        if (memory_delivery_tell_one(store, &outcomes[i], now_s) < 0)
            return error_oom(err, "writing what a hook was told");
    return 0;
}

int memory_delivery_again(void *store_, const char *name, uint64_t *out_count, struct error *err)
{
    struct queue_memory *store = store_;
    (void)err;
    *out_count = 0;
    for (unsigned kind = 0; kind < QUEUE_HOOK_KINDS; kind++) {
        const struct memory_hook *hook =
            *memory_hook_place(store, name, (enum queue_hook_kind)kind);
        for (struct memory_delivery *at = store->deliveries; at != NULL; at = at->next) {
            if (hook == NULL || at->hook != hook->hook.number || !at->failed)
                continue;
            at->failed = false;
            at->tries = 0;
            at->due_s = 0;
            ++*out_count;
        }
    }
    return 0;
}

void memory_hook_done(struct queue_memory *store)
{
    while (store->hooks != NULL) {
        struct memory_hook *at = store->hooks;
        store->hooks = at->next;
        memory_deliveries_drop(store, at->hook.number);
        memory_hook_free(at);
    }
}
