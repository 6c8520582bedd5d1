// SPDX-License-Identifier: Apache-2.0
// account-users.js - who may sign in, and as what.
import {problemBox, tellProblem} from "./announce.js";
import {get, post, remove} from "./api.js";
import {ask} from "./dialog.js";
import {fill, h, keepFocus} from "./dom.js";
import {choice, field, submitting} from "./form.js";
import {current} from "./session.js";
import {ago, t} from "./text.js";

const ROLES = ["viewer", "operator", "admin"];

function row(user, load) {
    async function end() {
        if (!await ask({title: t("users.end.title", {name: user.name}), text: t("users.end.text"),
                        button: t("users.end"), danger: true}))
            return;
        try {
            await remove(`/users/${user.id}`);
            await load();
        } catch (problem) {
            tellProblem(problem);
        }
    }
    const itself = user.name === current().name;
    return h("tr", {}, h("th", {scope: "row"}, user.name),
             h("td", {"data-label": t("users.role")}, t(`role.${user.role}`)),
             h("td", {"data-label": t("sources.created")}, ago(user.createdAt)),
             h("td", {}, !itself && h("button", {type: "button", class: "quiet menu-danger",
                                                 onclick: end, "aria-label":
                                                     t("users.end.title", {name: user.name})},
                                      t("users.end"))));
}

function form(load) {
    const name = field({label: t("signin.name"), required: true, maxlength: 64,
                        autocomplete: "off"});
    const password = field({label: t("users.password"), type: "password", required: true,
                            minlength: 10, autocomplete: "new-password",
                            hint: t("setup.password.hint")});
    const role = choice({label: t("users.role"), options: ROLES.map((one) => [one,
                                                                             t(`role.${one}`)])});
    const box = problemBox();
    const button = h("button", {type: "submit"}, t("users.make"));
    const made = h("form", {class: "stack", autocomplete: "off"},
                   h("div", {class: "form-grid"}, name.element, password.element, role.element),
                   box.element, h("div", {class: "actions actions-start"}, button));
    submitting(made, button, box, async () => {
        await post("/users", {name: name.value, password: password.value, role: role.value});
        made.reset();
        await load();
    });
    return made;
}

export async function userSection() {
    const body = h("tbody");
    const table = h("table", {class: "cards"},
                    h("caption", {class: "visually-hidden"}, t("users.title")),
                    h("thead", {}, h("tr", {},
                      [t("signin.name"), t("users.role"), t("sources.created")]
                          .map((text) => h("th", {scope: "col"}, text)),
                      h("th", {scope: "col"}, h("span", {class: "visually-hidden"},
                                                t("sources.menu"))))), body);
    async function load() {
        const users = await get("/users");
        keepFocus(body, () => fill(body, users.map((user) => row(user, load))));
    }
    await load();
    return h("section", {class: "panel panel-padded"}, h("h2", {}, t("users.title")),
             h("p", {class: "hint"}, t("users.hint")), table, form(load));
}
