/* SPDX-License-Identifier: Apache-2.0 */
/* unit-deliver.c - the turn of a source that delivers. See unit-private.h, deliver-keys.h. */
#include <config.h>
#include "unit-private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "deliver-account.h"
#include "deliver-keys.h"
#include "deliver.h"
#include "text.h"

#define DELIVER_WALK_SHARE 100u /* a walk may take this part of the time */

/* ---- Does the account answer? ---------------------------------------------------------------- */

static void deliver_ignore_step(void *context, const char *step, uint32_t state, const char *text)
{
    (void)context;
    (void)step;
    (void)state;
    (void)text;
}

static int deliver_use_check(struct unit *unit, const struct loader_settings *settings,
                             struct loader_error *theirs)
{
    const struct loader_plugin *plugin = &unit->plugin->table;
    unit->table.read_only = true; /* until it is opened */
    return plugin->check == NULL ? 0
                                 : plugin->check(&unit->table.loader, settings, deliver_ignore_step,
                                                 NULL, theirs);
}

static int deliver_probe(struct unit *unit, struct unit_worker *worker, struct error *err)
{
    unit_close(unit);
    unit->turn.logged_in = true;
    int bad = unit_use_loader(unit, worker, LOADER_READ_ONLY, deliver_use_check, err);
    host_table_done(&unit->table);
    return bad;
}

/* ---- The share of a turn --------------------------------------------------------------------- */

/* *out_target is yours: free(), after a failure too. */
static int deliver_open(struct unit *unit, struct unit_worker *worker, const char *named,
                        char **out_target, struct error *err)
{
    if (unit->handle == NULL && unit_open(unit, worker, LOADER_DELIVER, err) < 0)
        return -1;
    const struct loader_plugin *plugin = &unit->plugin->table;
    if (plugin->deliver == NULL || plugin->account == NULL)
        return error_set(err, ERROR_CONFIG, "loader '%s' cannot deliver; use IMAP, or take the key "
                         "'" DELIVER_KEY "' out", plugin->name);
    const char *account = plugin->account(unit->handle);
    *out_target = named != NULL ? strdup(named) : deliver_account_name(account);
    if (*out_target == NULL)
        return error_oom(err, "opening an account");
    if (queue_claims_take(&unit->claims, worker->queue, "deliver", *out_target, "*", err) < 0)
        return -1;
    return named != NULL ? 0 : deliver_account_adopt(worker->queue, account, *out_target, err);
}

/* Until nothing is left, its time is over, or it is to stop. */
static int deliver_share(struct unit *unit, struct deliver *deliver, bool *out_more,
                         struct error *err)
{
    const struct clock *clock = unit->table.clock;
    uint64_t since_ms = clock_monotonic_ms(clock), now_ms = since_ms;
    int bad = 0;
    *out_more = true;
    while (bad == 0 && *out_more && now_ms - since_ms < UNIT_TURN_MS && !unit_asked_to_stop(unit)) {
        bad = deliver_step(deliver, out_more, err);
        now_ms = clock_monotonic_ms(clock);
    }
    unit->delivery.cost_ms += now_ms - since_ms;
    return bad;
}

static void deliver_begin_walk(struct unit *unit)
{
    if (clock_monotonic_ms(unit->table.clock) < unit->delivery.walk_ms)
        return;
    unit->delivery.after = unit->delivery.cost_ms = 0;
    unit->delivery.refused = unit->delivery.left = 0;
    unit->delivery.walk_ms = UINT64_MAX; /* it is under way */
}

static void deliver_end_walk(struct unit *unit, uint64_t interval_ms)
{
    uint64_t rest_ms = DELIVER_WALK_SHARE * unit->delivery.cost_ms;
    if (unit->delivery.walk_ms == UINT64_MAX)
        unit->delivery.walk_ms = clock_monotonic_ms(unit->table.clock) +
                                 (rest_ms > interval_ms ? rest_ms : interval_ms);
}

/* ---- The turn -------------------------------------------------------------------------------- */

/* What is not delivered is told as long as that is so. */
static void deliver_tell_trouble(struct unit *unit)
{
    struct error err = {.class = ERROR_NONE};
    if (unit->delivery.refused > 0)
        error_set(&err, ERROR_MAIL, "the server does not take %" PRIu64
                  " messages; the log names them", unit->delivery.refused);
    else if (unit->delivery.left > 0)
        error_set(&err, ERROR_CONFIG, "%" PRIu64 " messages are not delivered: %s",
                  unit->delivery.left, unit->delivery.left_why);
    host_table_trouble(&unit->table, &err);
}

static int deliver_rest(struct unit *unit, struct unit_worker *worker, struct error *err)
{
    uint64_t most_ms = INT32_MAX, interval_ms = unit->source->interval_s * 1000;
    deliver_end_walk(unit, interval_ms < most_ms ? interval_ms : most_ms);
    if (!unit->turn.contact && deliver_probe(unit, worker, err) < 0)
        return -1;
    unit->turn.contact = true;
    if (unit->handle != NULL)
        most_ms = UNIT_DELIVER_IDLE_MS;
    deliver_tell_trouble(unit);
    queue_claims_done(&unit->claims);
    host_table_spare(&unit->table);
    unit->turn.end = UNIT_DRAINED;
    unit->turn.wait_ms = (uint32_t)(interval_ms < most_ms ? interval_ms : most_ms);
    return 0;
}

static int deliver_work(struct unit *unit, struct unit_worker *worker, const char *target,
                        const struct deliver_folder *folder, struct error *err)
{
    bool more;
    struct deliver deliver = {.plugin = &unit->plugin->table,
                              .handle = unit->handle,
                              .queue = worker->queue,
                              .target = target,
                              .folder = folder,
                              .queue_name = unit->source->queue,
                              .log = &unit->log,
                              .after = unit->delivery.after};
    int bad = deliver_share(unit, &deliver, &more, err);
    unit->turn.items = deliver.counts.appended + deliver.counts.found;
    unit->turn.contact = unit->turn.items + deliver.counts.refused + deliver.counts.left >
                         deliver.counts.unreadable;
    unit->delivery.after = deliver.after;
    unit->delivery.refused += deliver.counts.refused + deliver.counts.aside;
    unit->delivery.left += deliver.counts.left;
    if (deliver.counts.left > 0)
        text_copy(unit->delivery.left_why, sizeof unit->delivery.left_why, deliver.left_why);
    if (bad < 0)
        return -1;
    unit->turn.end = UNIT_SHARE_USED;
    return more ? 0 : deliver_rest(unit, worker, err);
}

int unit_deliver(struct unit *unit, struct unit_worker *worker, struct error *err)
{
    AUTO(deliver_keys) keys = NULL;
    AUTO_TEXT target = NULL;
    deliver_begin_walk(unit);
    if (deliver_keys_read(unit->source->connection, &keys, err) == 0 &&
        deliver_open(unit, worker, keys->account, &target, err) == 0 &&
        deliver_work(unit, worker, target, &keys->folder, err) == 0)
        return 0;
    unit->delivery.walk_ms = 0; /* what was begun may be there: it is looked at first */
    return -1;
}
