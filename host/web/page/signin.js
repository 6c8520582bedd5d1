// SPDX-License-Identifier: Apache-2.0
// signin.js - signing in, and the first set-up with the token that the daemon prints.
import {problemBox} from "./announce.js";
import {get} from "./api.js";
import {h} from "./dom.js";
import {field, submitting} from "./form.js";
import {logo} from "./icons.js";
import {address} from "./router.js";
import {setUp, signIn} from "./session.js";
import {t} from "./text.js";

function card(title, hint, form, ...below) {
    return h("main", {class: "gate", id: "main", tabindex: -1},
             h("div", {class: "gate-card"},
               h("div", {class: "brand"}, logo(), "mailchute"),
               h("h1", {}, title), h("p", {class: "hint"}, hint), form, ...below));
}

function gateForm(box, fields, label, act, done) {
    const button = h("button", {class: "primary wide", type: "submit"}, label);
    const form = h("form", {class: "stack"}, fields.map((one) => one.element), box.element, button);
    submitting(form, button, box, async () => {
        await act();
        done();
    });
    return form;
}

// signInView - @done is called when somebody has signed in.
export async function signInView(done) {
    const name = field({label: t("signin.name"), autocomplete: "username", required: true});
    const password = field({label: t("signin.password"), type: "password",
                            autocomplete: "current-password", required: true});
    const form = gateForm(problemBox(), [name, password], t("signin.button"),
                          () => signIn(name.value, password.value), done);
    const {needed} = await get("/auth/setup");
    const first = needed && h("p", {class: "notice"}, t("setup.needed"), " ",
                              h("a", {href: address("setup")}, t("setup.open")));
    return card(t("signin.title"), t("signin.hint"), form, first);
}

// setupView - the first user; @token may come with the link.
export function setupView(token, done) {
    const box = problemBox();
    const code = field({label: t("setup.token"), hint: t("setup.token.hint"), value: token ?? "",
                        autocomplete: "off", required: true, spellcheck: "false"});
    const name = field({label: t("signin.name"), autocomplete: "username", required: true});
    const password = field({label: t("signin.password"), type: "password", minlength: 10,
                            hint: t("setup.password.hint"), autocomplete: "new-password",
                            required: true});
    const form = gateForm(box, [code, name, password], t("setup.button"),
                          () => setUp(code.value.trim(), name.value, password.value), done);
    return card(t("setup.title"), t("setup.hint"), form,
                h("p", {}, h("a", {href: address("sources")}, t("setup.signin"))));
}
