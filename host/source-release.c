/* SPDX-License-Identifier: Apache-2.0 */
/* source-release.c - mailchute source resume --accept-new-uids. See source-command.h.
 *
 * What a loader holds is released by whoever opens it and says so. That is done here, by the unit
 * that the daemon uses too, and not by the daemon: nobody has to be there to carry the word, and a
 * source that is held is nobody's, so its mailbox is free. It is one pass, as of mailchute pickup,
 * but with the source's own password, name and work queue; killed in between, it goes on as usual. */
#include <config.h>
#include "source-command.h"

#include <stdlib.h>

#include "source-secret.h"
#include "text.h"
#include "unit.h"
#include "vault.h"

static int release_ask(struct unit *unit, struct error *err)
{
    const char *kind = unit->source->secret_kind;
    return text_equal(kind, source_secret_name(SOURCE_SECRET_ASK))
               ? secret_from_terminal("Password: ", &unit->asked, err)
               : 0;
}

/* Until nothing is left: each folder of an archive may be held. */
static int release_pass(struct unit *unit, struct unit_worker *worker, struct error *err)
{
    uint64_t items = 0;
    do {
        unit_turn(unit, worker);
        items += unit->turn.items;
        free(TAKE(unit->turn.cursor));
    } while (unit->turn.end == UNIT_SHARE_USED);
    if (unit->turn.end != UNIT_DRAINED) {
        *err = unit->turn.err;
        return -1;
    }
    unit_close(unit);
    log_info(&unit->log, "released; %llu items were picked up", (unsigned long long)items);
    return 0;
}

static int release_run(struct source_command *c, struct unit *unit, struct error *err)
{
    AUTO(vault) vault = NULL;
    if (unit->delivers)
        return error_set(err, ERROR_USAGE, "source '%s' delivers, it holds nothing; say resume "
                         "alone", unit->source->name);
    if (vault_open(queue_folder(c->queue), &vault, err) < 0 || release_ask(unit, err) < 0)
        return -1;
    struct unit_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return error_oom(err, "releasing a mailbox");
    *worker = (struct unit_worker){
        .queue = c->queue, .clock = clock_system(), .vault = vault, .log = &c->log};
    unit->releases = true;
    unit_set_log(unit, &c->log);
    int bad = release_pass(unit, worker, err);
    free(worker);
    return bad;
}

int source_command_release(struct source_command *c, struct error *err)
{
    struct queue_source *source;
    if (queue_source_get(c->queue, c->arguments[0], &source, err) < 0)
        return -1;
    struct unit *unit = unit_new(source, clock_system());
    if (unit == NULL)
        return error_oom(err, "releasing a mailbox");
    int bad = release_run(c, unit, err);
    unit_free(unit);
    return bad;
}
