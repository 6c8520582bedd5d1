// SPDX-License-Identifier: Apache-2.0
// sources.js - the table of sources, by name, in pages; live.
import {tellProblem, say} from "./announce.js";
import {get, sourcePage} from "./api.js";
import {fill, h, keepFocus} from "./dom.js";
import {busyWhile} from "./form.js";
import {icon} from "./icons.js";
import {listen} from "./live.js";
import {address} from "./router.js";
import {seldom} from "./seldom.js";
import {may} from "./session.js";
import {sourceRow} from "./source-row.js";
import {number, t} from "./text.js";

const PAGE = 100;
const REFRESH_MS = 1000;
const COLUMNS = ["name", "server", "status", "entries", "active", "created"];

function heading() {
    const add = may("admin") && h("a", {class: "button primary", href: address("sources", "new")},
                                  icon("plus"), t("sources.new"));
    return h("div", {class: "view-head"}, h("h1", {}, t("sources.title")), add);
}

function nothing() {
    return h("div", {class: "empty"}, icon("sources"), h("h2", {}, t("sources.empty")),
             h("p", {}, t("sources.empty.hint")),
             may("admin") && h("a", {class: "button primary", href: address("sources", "new")},
                               icon("plus"), t("sources.new")));
}

function tableOf(body) {
    return h("table", {class: "cards"},
             h("caption", {class: "visually-hidden"}, t("sources.title")),
             h("thead", {}, h("tr", {}, COLUMNS.map((name) => h("th", {scope: "col"},
                                                               t(`sources.${name}`))),
                              h("th", {scope: "col"},
                                h("span", {class: "visually-hidden"}, t("sources.menu"))))),
             body);
}

/* ---- The counts above the table -------------------------------------------------------------- */

function tile(state, count) {
    return h("a", {class: `tile tile-${state}`, href: `${address("queue")}?state=${state}`},
             h("span", {class: "tile-count"}, number(count)),
             h("span", {class: "tile-name"}, t(`entry.state.${state}`)));
}

function tiles(counts) {
    return ["new", "taken", "done", "failed", "bad"].map((state) => tile(state, counts[state] ?? 0));
}

async function countsNow() {
    const sum = {};
    for (const queue of await get("/queues"))
        for (const state of ["new", "taken", "done", "failed", "bad"])
            sum[state] = (sum[state] ?? 0) + queue[state];
    return sum;
}

/* ---- The rows -------------------------------------------------------------------------------- */

// Rows in the order of their names, by id.
function rowsIn(body, whenEmpty) {
    const rows = new Map();
    const table = {change, remove};

    function place(name, element) {
        const behind = [...rows.values()].filter((row) => row.name > name)
            .reduce((least, row) => least === null || row.name < least.name ? row : least, null);
        body.insertBefore(element, behind?.element ?? null);
    }

    function change(source) {
        const there = rows.get(source.id);
        if (there !== undefined) {
            there.update(source);
            return;
        }
        const row = sourceRow(source, table);
        place(source.name, row.element);
        rows.set(source.id, {...row, name: source.name});
        whenEmpty(false);
    }

    function remove(id) {
        keepFocus(body, () => rows.get(id)?.element.remove());
        rows.delete(id);
        whenEmpty(rows.size === 0);
    }

    function replace(items) {
        const ids = new Set(items.map(({id}) => id));
        for (const id of [...rows.keys()])
            if (!ids.has(id))
                remove(id);
        items.forEach(change);
        whenEmpty(rows.size === 0);
    }
    return {change, remove, replace, add: (items) => items.forEach(change)};
}

/* ---- The view -------------------------------------------------------------------------------- */

function announcer() {
    const states = new Map(); // by id: a screen reader hears of what changed, not of each count
    return ({id, name, state}) => {
        if (states.has(id) && states.get(id) !== state)
            say(t("source.now", {name, state: t(`state.${state}`)}));
        states.set(id, state);
    };
}

export async function sourcesView(place) {
    const body = h("tbody");
    const table = tableOf(body);
    const empty = nothing();
    const more = h("button", {type: "button", hidden: true}, t("list.more"));
    const rows = rowsIn(body, (yes) => {
        table.hidden = yes;
        empty.hidden = !yes;
    });
    const sums = h("div", {class: "tiles"});
    const heard = announcer();
    let next = null;    // the name that the next page comes behind

    async function load() {
        const [page, counts] = await Promise.all([sourcePage("", PAGE), countsNow()]);
        rows.replace(page.items);
        page.items.forEach(heard);
        next = page.next;
        more.hidden = next === null;
        fill(sums, tiles(counts));
    }

    more.addEventListener("click", () => busyWhile(more, async () => {
        const page = await sourcePage(next, PAGE);
        next = page.next;
        rows.add(page.items);
        more.hidden = next === null;
    }).catch(tellProblem));
    await load();
    fill(place, heading(), h("section", {"aria-label": t("sources.counts")}, sums),
         h("div", {class: "panel"}, table, empty, h("div", {class: "more"}, more)));
    const all = seldom(REFRESH_MS, () => load().catch(tellProblem));
    const deaf = listen({
        source(source) {
            if (next !== null && source.name > next)
                return; // stands on a page that is not shown yet
            rows.change(source);
            heard(source);
        },
        removed: ({id}) => rows.remove(id),
        counts: (counts) => fill(sums, tiles(counts)),
        reset: all.call,
    });
    return () => {
        all.end();
        deaf();
    };
}
