// SPDX-License-Identifier: Apache-2.0
// account-audit.js - who did what, newest first.
import {tellProblem} from "./announce.js";
import {get, query} from "./api.js";
import {h} from "./dom.js";
import {busyWhile} from "./form.js";
import {foreign, t, time} from "./text.js";

const PAGE = 25;

function row({time: at, who, from, what, object, result}) {
    return h("tr", {}, h("td", {"data-label": t("audit.time")}, time(at)),
             h("th", {scope: "row"}, who || "–"),
             h("td", {"data-label": t("audit.from")}, from),
             h("td", {"data-label": t("audit.what")}, foreign(what)),
             h("td", {"data-label": t("audit.object")}, object),
             h("td", {"data-label": t("audit.result")},
               h("span", {class: result < 400 ? "" : "sub-bad"}, String(result))));
}

export async function auditSection() {
    const body = h("tbody");
    const more = h("button", {type: "button"}, t("list.more"));
    let before;
    async function load() {
        const lines = await get("/audit" + query({limit: PAGE, before}));
        body.append(...lines.map(row));
        before = lines.at(-1)?.number;
        more.hidden = lines.length < PAGE;
    }
    more.addEventListener("click", () => busyWhile(more, load).catch(tellProblem));
    await load();
    return h("section", {class: "panel panel-padded"}, h("h2", {}, t("audit.title")),
             h("table", {class: "cards audit"},
               h("caption", {class: "visually-hidden"}, t("audit.title")),
               h("thead", {}, h("tr", {}, ["time", "who", "from", "what", "object", "result"].map(
                   (name) => h("th", {scope: "col"}, t(`audit.${name}`))))), body),
             h("div", {class: "actions actions-start"}, more));
}
