// SPDX-License-Identifier: Apache-2.0
// queue.js - entries, newest first: by state, work queue and words, in pages; live.
import {tell, tellProblem} from "./announce.js";
import {get, post, query} from "./api.js";
import {entryBadge} from "./badge.js";
import {fill, h} from "./dom.js";
import {busyWhile, choice, field} from "./form.js";
import {icon} from "./icons.js";
import {listen} from "./live.js";
import {address, go, replaceQuery} from "./router.js";
import {seldom} from "./seldom.js";
import {may} from "./session.js";
import {ago, foreign, size, t} from "./text.js";

const PAGE = 50;
const STATES = ["new", "taken", "done", "failed", "bad"];
const TYPING_MS = 300;
const REFRESH_MS = 1000; // after counts have changed, at most that often

/* ---- One row --------------------------------------------------------------------------------- */

function cell(label, ...content) {
    return h("td", {"data-label": label}, h("div", {class: "cell"}, content));
}

// What of an entry can change.
function print({state, queue, attempts, error}) {
    return [state, queue, attempts, error].join(" ");
}

function row(entry) {
    return h("tr", {"data-id": entry.id, "data-print": print(entry)},
             h("th", {scope: "row"},
               h("a", {class: "subject", href: address("queue", entry.id)},
                 entry.subject || t("entry.nosubject")),
               h("span", {class: "sub from"}, entry.sender || t("entry.nosender")),
               entry.error !== null && h("span", {class: "reason"}, foreign(entry.error))),
             cell(t("queue.state"), entryBadge(entry.state)),
             cell(t("queue.source"), entry.source,
                  h("span", {class: "sub"}, [entry.mailbox, entry.queue].filter(Boolean)
                      .join(" · "))),
             cell(t("queue.created"), ago(entry.created)),
             cell(t("queue.size"), size(entry.size)));
}

/* ---- What is looked for ---------------------------------------------------------------------- */

function filters(given, queues, change) {
    const search = field({label: t("queue.search"), type: "search", value: given.get("q") ?? "",
                          placeholder: t("queue.search.hint"), maxlength: 200});
    const state = choice({label: t("queue.state"), value: given.get("state") ?? "",
                          options: [["", t("queue.any")],
                                    ...STATES.map((name) => [name, t(`entry.state.${name}`)])]});
    const queue = choice({label: t("queue.queue"), value: given.get("queue") ?? "",
                          options: [["", t("queue.any")],
                                    ...queues.map(({name}) => [name, name])]});
    let typing = 0;
    search.input.addEventListener("input", () => {
        clearTimeout(typing);
        typing = setTimeout(change, TYPING_MS);
    });
    state.input.addEventListener("change", change);
    queue.input.addEventListener("change", change);
    search.element.classList.add("field-search");
    return {
        element: h("form", {class: "filters", role: "search", onsubmit: (event) => {
            event.preventDefault();
            change();
        }}, search.element, state.element, queue.element),
        values: () => ({q: search.value.trim(), state: state.value, queue: queue.value,
                        source: given.get("source") ?? ""}),
    };
}

// Whether an entry that just came belongs to what is looked for.
function fits(entry, {q, state, queue, source}) {
    const word = q.toLowerCase();
    return (state === "" || entry.state === state) && (queue === "" || entry.queue === queue) &&
        (source === "" || entry.source === source) &&
        (word === "" || [entry.subject, entry.sender, entry.error, entry.id]
            .some((text) => text?.toLowerCase().includes(word)));
}

/* ---- The list -------------------------------------------------------------------------------- */

function listOf() {
    const body = h("tbody");
    const table = h("table", {class: "cards queue"},
                    h("caption", {class: "visually-hidden"}, t("queue.title")),
                    h("thead", {}, h("tr", {},
                      ["entry", "state", "source", "created", "size"].map((name) =>
                          h("th", {scope: "col"}, t(`queue.${name}`))))), body);
    const empty = h("div", {class: "empty", hidden: true}, icon("queue"),
                    h("h2", {}, t("queue.empty")), h("p", {}, t("queue.empty.hint")));
    function count() {
        table.hidden = body.childElementCount === 0;
        empty.hidden = !table.hidden;
    }
    const there = (id) => body.querySelector(`[data-id="${CSS.escape(id)}"]`);
    return {
        element: [table, empty],
        replace(items) {
            fill(body, items.map(row));
            count();
        },
        add(items) {
            body.append(...items.filter(({id}) => there(id) === null).map(row));
            count();
        },
        top(entry) {
            if (there(entry.id) !== null)
                return;
            const made = row(entry);
            made.classList.add("fresh");
            body.prepend(made);
            count();
        },
        used: () => body.contains(document.activeElement),
        // The same rows as they are now: those that changed, unless somebody is about to use one.
        refresh(items) {
            for (const entry of items) {
                const old = there(entry.id);
                if (old !== null && old.dataset.print !== print(entry) &&
                    !old.contains(document.activeElement))
                    old.replaceWith(row(entry));
            }
        },
    };
}

async function takeNext(button, queue) {
    try {
        const entry = await busyWhile(button, () => post("/entries/take", queue === "" ? {}
                                                                                     : {queue}));
        if (entry === null)
            tell(t("queue.nothing"));
        else
            go("queue", entry.id);
    } catch (problem) {
        tellProblem(problem);
    }
}

// The pages of what is looked for.
function pager(list, more, wanted) {
    let next = null;
    let turn = 0;   // rises with each search: what comes late for an older one is dropped
    let paged = false;

    function shown(page) {
        next = page.next;
        more.hidden = next === null;
        fill(more, t(page.items.length < PAGE ? "queue.further" : "list.more"));
    }
    const ask = (after) => get("/entries" + query({...wanted(), limit: PAGE, after}));
    return {
        async load() {
            turn += 1;
            const mine = turn;
            const page = await ask();
            if (mine !== turn)
                return;
            paged = false;
            list.replace(page.items);
            shown(page);
        },
        async more() {
            const mine = turn;
            const page = await ask(next);
            if (mine !== turn)
                return;
            paged = true;
            list.add(page.items);
            shown(page);
        },
        // The newest, without taking away from under somebody's hands what he looks at.
        async news() {
            if (!paged && !list.used()) {
                await this.load();
                return;
            }
            const mine = turn;
            const page = await ask();
            if (mine === turn)
                page.items.reverse().forEach(list.top);
        },
        // As it is now; entries that no longer belong here stay until somebody looks anew.
        async refresh() {
            const mine = turn;
            const page = await get("/entries" + query({...wanted(), state: "", limit: PAGE}));
            if (mine === turn && !paged)
                list.refresh(page.items);
        },
    };
}

/* ---- The view -------------------------------------------------------------------------------- */

export async function queueView(place, at) {
    const list = listOf();
    const more = h("button", {type: "button", hidden: true});
    const bar = filters(at.query, await get("/queues"), () => {
        replaceQuery(bar.values());
        pages.load().catch(tellProblem);
    });
    const pages = pager(list, more, bar.values);
    const take = may("operator") && h("button", {type: "button", onclick: () =>
        takeNext(take, bar.values().queue)}, icon("check"), t("queue.take"));
    more.addEventListener("click", () => busyWhile(more, pages.more).catch(tellProblem));
    await pages.load();
    fill(place, h("div", {class: "view-head"}, h("h1", {}, t("queue.title")), take), bar.element,
         h("div", {class: "panel"}, list.element, h("div", {class: "more"}, more)));
    const news = seldom(REFRESH_MS, () => pages.news().catch(tellProblem));
    const changes = seldom(REFRESH_MS, () => pages.refresh().catch(() => {}));
    const deaf = listen({
        entry(entry) {
            if (fits(entry, bar.values()))
                list.top(entry);
        },
        more: news.call,
        reset: news.call,
        counts: changes.call,
    });
    return () => {
        news.end();
        changes.end();
        deaf();
    };
}
