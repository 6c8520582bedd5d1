// SPDX-License-Identifier: Apache-2.0
// source-row.js - a source in the table: what it is, how it goes, what can be done with it.
import {ask} from "./dialog.js";
import {tell, tellProblem} from "./announce.js";
import {post, remove} from "./api.js";
import {sourceBadge} from "./badge.js";
import {get as getKey} from "./connection-string.js";
import {fill, h} from "./dom.js";
import {menu} from "./menu.js";
import {providerOf} from "./providers.js";
import {address, go} from "./router.js";
import {may} from "./session.js";
import {ago, foreign, number, span, t} from "./text.js";

const path = (source, ...more) => ["/ingestion-sources", source.id, ...more].join("/");

function host(source) {
    try {
        return getKey(source.connection, "url") ?? "";
    } catch {
        return "";
    }
}

function server(source) {
    const at = host(source).replace(/^imaps?:\/\//i, "").replace(/[:/].*$/, "");
    const {name} = providerOf(at);
    return [h("span", {class: "provider"}, name === "generic" ? source.loader
                                                              : t(`provider.${name}`)),
            h("span", {class: "sub"}, source.user === null ? at : `${source.user} · ${at}`)];
}

/* ---- How it goes ---------------------------------------------------------------------------- */

function progress(source) {
    const {found, queued, bad} = source.counts;
    const {rate, seconds_left: left} = source.import;
    const done = queued + bad;
    const text = t("source.progress", {done: number(done), found: number(found)});
    const more = rate ? ` · ${t("source.rate", {rate: number(rate, 1)})}` : "";
    const rest = left ? ` · ${t("source.left", {time: span(left)})}` : "";
    return h("div", {class: "progress-block"},
             h("progress", {max: Math.max(found, 1), value: done,
                            "aria-label": t("source.progress.label", {name: source.name})}, text),
             h("span", {class: "sub"}, text + more + rest));
}

function reason(source) {
    const text = source.status_message ?? (source.state === "active" ? null : source.last_message);
    return text === null ? null : h("p", {class: "reason"}, foreign(text));
}

function status(source) {
    const contact = source.last_contact === null
        ? t("source.contact.never")
        : [t("source.contact"), " ", ago(source.last_contact)];
    return [h("div", {class: "status-line"}, sourceBadge(source),
              h("span", {class: "sub"}, contact)),
            source.state === "importing" && progress(source), reason(source)];
}

function counts({queued, bad}) {
    return [h("span", {class: "count"}, number(queued)),
            bad > 0 && h("span", {class: "sub sub-bad"}, t("source.bad", {count: number(bad)}))];
}

/* ---- What can be done ----------------------------------------------------------------------- */

async function order(source, verb, text, changed) {
    try {
        const answer = await post(path(source, verb));
        if (answer.id !== undefined)
            changed(answer);
        tell(text);
    } catch (problem) {
        tellProblem(problem);
    }
}

async function removeSource(source, gone) {
    const sure = await ask({title: t("source.remove.title", {name: source.name}),
                            text: t("source.remove.text"), button: t("source.remove.button"),
                            danger: true});
    if (!sure)
        return;
    try {
        await remove(path(source));
        tell(t("source.removed", {name: source.name}));
        gone(source.id);
    } catch (problem) {
        tellProblem(problem);
    }
}

function actions(source, table) {
    const {name} = source;
    const verb = source.paused ? "resume" : "pause";
    return [
        {text: t("source.statistics"), drawing: "statistics",
         act: () => go("statistics", source.id)},
        may("admin") && {text: t("source.edit"), drawing: "edit",
                         act: () => go("sources", source.id, "edit")},
        may("operator") && {text: t("source.sync"), drawing: "sync",
                            act: () => order(source, "sync", t("source.synced", {name}),
                                             table.change)},
        may("operator") && {text: t(`source.${verb}`), drawing: verb,
                            act: () => order(source, verb, t(`source.${verb}d`, {name}),
                                             table.change)},
        may("operator") && {text: t("source.import"), drawing: "import",
                            act: () => order(source, "import", t("source.imported", {name}),
                                             table.change)},
        may("admin") && {text: t("source.remove"), drawing: "remove", danger: true,
                         act: () => removeSource(source, table.remove)},
    ];
}

/* ---- The row -------------------------------------------------------------------------------- */

function cell(label, ...content) {
    return h("td", {"data-label": label}, h("div", {class: "cell"}, content));
}

// sourceRow - {element, update(source)}. @table: {change(source), remove(id)}.
export function sourceRow(first, table) {
    let source = first;
    const name = h("th", {scope: "row"},
                   h("a", {href: address("statistics", source.id)}, source.name));
    const at = cell(t("sources.server"));
    const how = cell(t("sources.status"));
    const many = cell(t("sources.entries"));
    const active = h("input", {type: "checkbox", role: "switch", class: "switch",
                               "aria-label": t("source.active", {name: source.name}),
                               disabled: !may("operator")});
    active.addEventListener("change", () => {
        const verb = active.checked ? "resume" : "pause";
        order(source, verb, t(`source.${verb}d`, {name: source.name}), table.change);
    });
    const element = h("tr", {}, name, at, how, many, cell(t("sources.active"), active),
                      cell(t("sources.created"), ago(source.created)),
                      h("td", {class: "menu-cell"},
                        menu(t("source.menu", {name: source.name}),
                             () => actions(source, table))));
    function update(fresh) {
        source = fresh;
        fill(at.firstChild, server(source));
        fill(how.firstChild, status(source));
        fill(many.firstChild, counts(source.counts));
        active.checked = !source.paused;
    }
    update(first);
    return {element, update};
}
