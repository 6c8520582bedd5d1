// SPDX-License-Identifier: Apache-2.0
// badge.js - a state as a coloured word. The colour repeats what the word says.
import {h} from "./dom.js";
import {has, t} from "./text.js";

const SOURCE_KINDS = {pending: "calm", importing: "busy", active: "good", paused: "calm", error: "bad",
                      held: "warn", degraded: "warn", throttled: "warn"};
const ENTRY_KINDS = {new: "busy", taken: "warn", done: "good", failed: "bad", bad: "bad"};

function badge(kind, text) {
    return h("span", {class: `badge badge-${kind}`}, text);
}

// sourceBadge - "active", or the finer word where it says more.
export function sourceBadge({state, detail}) {
    const finer = detail !== null && has(`detail.${detail}`) && detail in SOURCE_KINDS;
    return badge(SOURCE_KINDS[finer ? detail : state] ?? "calm",
                 finer ? t(`detail.${detail}`) : t(`state.${state}`));
}

export function entryBadge(state) {
    return badge(ENTRY_KINDS[state] ?? "calm", t(`entry.state.${state}`));
}
