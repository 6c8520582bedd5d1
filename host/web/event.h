/* SPDX-License-Identifier: Apache-2.0 */
/* event.h - what happens in a queue, as events for who listens.
 *
 *     event: entry    a summary of an entry that came
 *     event: more     more entries came at once than are told one by one
 *     event: counts   entries by state, when they changed
 *     event: source   a source that changed, as in the list of sources
 *     event: removed  the id of a source that is gone
 *     event: reset    look at everything anew
 *
 * The queue is looked at ten times a second for entries, once a second for the rest, and not at
 * all while nobody listens. Whoever writes to it, in whatever process, is seen. Once a second as
 * well it is looked whether those who listen still may: sessions end, keys are taken away. */
#ifndef MAILCHUTE_HOST_WEB_EVENT_H
#define MAILCHUTE_HOST_WEB_EVENT_H

#include "web.h"

struct web_events;

/** web_events_new - @options are borrowed. */
int web_events_new(const struct web_options *options, struct web_events **out_events,
                   struct error *err);
void web_events_free(struct web_events *events); /* NULL is fine */
AUTO_DEFINE(web_events, web_events_free);

/** web_events_listening - where they are published from now on. */
void web_events_listening(struct web_events *events, struct http_server *server);

/** web_events_tick - look, and publish what is new; always the same thread. */
void web_events_tick(struct web_events *events);

#endif
