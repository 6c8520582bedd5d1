// SPDX-License-Identifier: Apache-2.0
// account-keys.js - keys for programs: made here, shown once, ended here.
import {problemBox, tellProblem} from "./announce.js";
import {get, post, remove} from "./api.js";
import {ask} from "./dialog.js";
import {fill, h, keepFocus} from "./dom.js";
import {choice, field, submitting} from "./form.js";
import {may} from "./session.js";
import {ago, day, t} from "./text.js";

const ROLES = ["viewer", "operator", "admin"];
const DAYS = 90;

function row(key, load) {
    async function end() {
        if (!await ask({title: t("keys.end.title", {name: key.name}), text: t("keys.end.text"),
                        button: t("keys.end"), danger: true}))
            return;
        try {
            await remove(`/api-keys/${key.id}`);
            await load();
        } catch (problem) {
            tellProblem(problem);
        }
    }
    return h("tr", {}, h("th", {scope: "row"}, key.name),
             h("td", {"data-label": t("users.role")}, t(`role.${key.role}`)),
             h("td", {"data-label": t("keys.expires")}, key.expiresAt ? day(key.expiresAt) : "–"),
             h("td", {"data-label": t("keys.used")}, ago(key.usedAt)),
             h("td", {}, h("button", {type: "button", class: "quiet menu-danger", onclick: end,
                                      "aria-label": t("keys.end.title", {name: key.name})},
                           t("keys.end"))));
}

function form(shown, load) {
    const name = field({label: t("keys.name"), required: true, maxlength: 64, autocomplete: "off"});
    const role = choice({label: t("users.role"), options: ROLES.filter(may)
        .map((one) => [one, t(`role.${one}`)])});
    const days = field({label: t("keys.days"), type: "number", min: 1, max: 730, value: DAYS,
                        required: true});
    const box = problemBox();
    const button = h("button", {type: "submit"}, t("keys.make"));
    const made = h("form", {class: "stack"},
                   h("div", {class: "form-grid"}, name.element, role.element, days.element),
                   box.element, h("div", {class: "actions actions-start"}, button));
    submitting(made, button, box, async () => {
        const {key} = await post("/api-keys", {name: name.value, role: role.value,
                                               days: Number(days.value)});
        fill(shown, h("div", {class: "notice"}, h("div", {}, t("keys.once"),
                                                  h("p", {class: "mono"}, key))));
        made.reset();
        await load();
    });
    return made;
}

export async function keySection() {
    const body = h("tbody");
    const table = h("table", {class: "cards"},
                    h("caption", {class: "visually-hidden"}, t("keys.title")),
                    h("thead", {}, h("tr", {},
                      [t("keys.name"), t("users.role"), t("keys.expires"), t("keys.used")]
                          .map((text) => h("th", {scope: "col"}, text)),
                      h("th", {scope: "col"}, h("span", {class: "visually-hidden"},
                                                t("sources.menu"))))), body);
    async function load() {
        const keys = await get("/api-keys");
        keepFocus(table, () => {
            fill(body, keys.map((key) => row(key, load)));
            table.hidden = keys.length === 0;
        });
    }
    await load();
    const shown = h("div", {role: "status"});
    return h("section", {class: "panel panel-padded"}, h("h2", {}, t("keys.title")),
             h("p", {class: "hint"}, t("keys.hint")), table, shown, form(shown, load));
}
