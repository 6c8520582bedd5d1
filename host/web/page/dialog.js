// SPDX-License-Identifier: Apache-2.0
// dialog.js - a question that must be answered before anything else. The browser's own <dialog> keeps
// the focus inside, and gives it back.
import {freshId, h} from "./dom.js";
import {t} from "./text.js";

// ask - true when it was confirmed. @danger: what is about to happen cannot be taken back.
export function ask({title, text, button, danger}) {
    return new Promise((answered) => {
        const id = freshId("dialog");
        const no = h("button", {type: "button", value: "no"}, t("dialog.cancel"));
        const yes = h("button", {type: "button", class: danger ? "danger" : "primary"}, button);
        const dialog = h("dialog", {"aria-labelledby": id},
                         h("h2", {id}, title), h("p", {}, text),
                         h("div", {class: "actions"}, no, yes));
        let confirmed = false;
        no.addEventListener("click", () => dialog.close());
        yes.addEventListener("click", () => {
            confirmed = true;
            dialog.close();
        });
        dialog.addEventListener("close", () => {
            dialog.remove();
            answered(confirmed);
        });
        document.body.append(dialog);
        dialog.showModal();
        no.focus();
    });
}

// askText - the text that was written, null when it was not confirmed.
export function askText({title, label, button}) {
    return new Promise((answered) => {
        const id = freshId("dialog");
        const inputId = freshId("field");
        const input = h("input", {id: inputId, type: "text", required: true, maxlength: 300});
        const no = h("button", {type: "button"}, t("dialog.cancel"));
        const form = h("form", {method: "dialog", class: "stack"},
                       h("div", {class: "field"}, h("label", {for: inputId}, label), input),
                       h("div", {class: "actions"}, no,
                         h("button", {class: "primary", type: "submit"}, button)));
        const dialog = h("dialog", {"aria-labelledby": id}, h("h2", {id}, title), form);
        let text = null;
        no.addEventListener("click", () => dialog.close());
        form.addEventListener("submit", () => {
            text = input.value;
        });
        dialog.addEventListener("close", () => {
            dialog.remove();
            answered(text);
        });
        document.body.append(dialog);
        dialog.showModal();
        input.focus();
    });
}
