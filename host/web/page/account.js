// SPDX-License-Identifier: Apache-2.0
// account.js - one's own password, language and keys; for admins users, and who did what.
import {auditSection} from "./account-audit.js";
import {keySection} from "./account-keys.js";
import {userSection} from "./account-users.js";
import {problemBox, tell} from "./announce.js";
import {fill, h} from "./dom.js";
import {choice, field, submitting} from "./form.js";
import {changePassword, current, may} from "./session.js";
import {LANGUAGES, chooseLanguage, currentLanguage, t} from "./text.js";

function languageSection() {
    const one = choice({label: t("account.language"), value: currentLanguage(),
                        options: Object.entries(LANGUAGES)});
    one.input.addEventListener("change", () => {
        chooseLanguage(one.value);
        location.reload();
    });
    return h("div", {class: "form-grid"}, one.element);
}

function passwordSection() {
    const old = field({label: t("account.old"), type: "password", required: true,
                       autocomplete: "current-password"});
    const fresh = field({label: t("account.new"), type: "password", required: true, minlength: 10,
                         hint: t("setup.password.hint"), autocomplete: "new-password"});
    const box = problemBox();
    const button = h("button", {type: "submit"}, t("account.password.button"));
    const form = h("form", {class: "stack"},
                   h("div", {class: "form-grid"}, old.element, fresh.element), box.element,
                   h("div", {class: "actions actions-start"}, button));
    submitting(form, button, box, async () => {
        await changePassword(old.value, fresh.value);
        form.reset();
        tell(t("account.password.told"));
    });
    return h("section", {class: "panel panel-padded"}, h("h2", {}, t("account.password")),
             h("p", {class: "hint"}, t("account.password.hint")), form);
}

export async function accountView(place) {
    const sections = await Promise.all([keySection(), may("admin") && userSection(),
                                        may("admin") && auditSection()]);
    fill(place, h("h1", {}, t("account.title", {name: current().name})), languageSection(),
         passwordSection(), sections);
}
