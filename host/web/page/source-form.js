// SPDX-License-Identifier: Apache-2.0
// source-form.js - a new source, or one that is edited: #/sources/new, #/sources/ID/edit.
import {problemBox, tell} from "./announce.js";
import {get, post, put} from "./api.js";
import {connectionTest} from "./connection-test.js";
import {fill, h} from "./dom.js";
import {busyWhile, field, submitting, toggle} from "./form.js";
import {icon} from "./icons.js";
import {address, go} from "./router.js";
import {sourceFields} from "./source-fields.js";
import {t} from "./text.js";

const INTERVAL = 300; // seconds, the daemon's own
const START = "ssl=True";

// Fields that are no keys of the connection string. @source is null for a new one.
function ownFields(source) {
    return {
        name: field({label: t("form.name"), hint: t("form.name.hint"), value: source?.name,
                     required: true, maxlength: 64, disabled: source !== null,
                     autocomplete: "off"}),
        user: field({label: t("form.user"), value: source?.user, required: true,
                     autocomplete: "off", spellcheck: "false"}),
        password: field({label: t("form.password"), type: "password", autocomplete: "new-password",
                         hint: t(source === null ? "form.password.hint" : "form.password.keep"),
                         required: source === null}),
        queue: field({label: t("form.queue"), hint: t("form.queue.hint"), placeholder: "default",
                      value: source?.queue, maxlength: 320}),
        interval: field({label: t("form.interval"), hint: t("form.interval.hint"), type: "number",
                         min: 10, max: 2592000, value: source?.interval ?? INTERVAL}),
        untested: toggle({label: t("form.untested"), hint: t("form.untested.hint")}),
    };
}

function bodyOf(source, own, keys) {
    const body = {loader: source?.loader ?? "IMAP", connection: keys.text,
                  user: own.user.value.trim(), queue: own.queue.value.trim(),
                  interval: Number(own.interval.value), test: !own.untested.value};
    if (source === null)
        body.name = own.name.value.trim();
    if (own.password.value !== "")
        body.password = own.password.value;
    return body;
}

function section(title, ...content) {
    return h("section", {class: "panel panel-padded"}, title && h("h2", {}, title), ...content);
}

function grid(...fields) {
    return h("div", {class: "form-grid"}, fields.map((one) => one.element));
}

function more(title, ...content) {
    return h("details", {class: "panel more-fields"}, h("summary", {}, title),
             h("div", {class: "panel-padded"}, ...content));
}

function layout(own, keys) {
    const {url, port, ssl, allowInsecureCert, mailbox, dropbox, badmail, after, attachHtml,
           sanitize} = keys.fields;
    const pair = h("div", {class: "form-host"}, url.control.element, port.control.element);
    return [
        section(null, grid(own.name, keys.preset.control), keys.preset.advice, pair,
                grid(ssl.control, allowInsecureCert.control), keys.warning,
                grid(own.user, own.password)),
        more(t("form.folders"), grid(mailbox.control, dropbox.control, badmail.control,
                                     after.control, attachHtml.control, sanitize.control)),
        more(t("form.queueing"), grid(own.queue, own.interval)),
        more(t("form.expert"), keys.expert.element),
    ];
}

// What is wrong stands in a field that may be folded away: open it, so that the browser can point.
function unfold(form) {
    form.addEventListener("invalid", (event) => {
        const folded = event.target.closest("details");
        if (folded !== null)
            folded.open = true;
    }, true);
}

function sourceForm(source) {
    const keys = sourceFields(source?.connection ?? START);
    const own = ownFields(source);
    const box = problemBox();
    const test = connectionTest();
    const save = h("button", {class: "primary", type: "submit"},
                   t(source === null ? "form.create" : "form.save"));
    const tryIt = h("button", {type: "button"}, t("test.button"));
    const actions = h("div", {class: "actions actions-start"}, save, tryIt,
                      h("a", {class: "button quiet", href: address("sources")},
                        t("dialog.cancel")));
    const form = h("form", {class: "stack", autocomplete: "off"}, layout(own, keys),
                   own.untested.element, test.element, box.element, actions);
    unfold(form);
    tryIt.addEventListener("click", () => {
        box.clear();
        if (!keys.valid || !form.reportValidity())
            return;
        const body = {...bodyOf(source, own, keys), name: own.name.value.trim()};
        busyWhile(tryIt, () => test.run(source === null ? body : {...body, id: source.id}));
    });
    submitting(form, save, box, async () => {
        if (!keys.valid) {
            keys.expert.input.focus();
            return;
        }
        test.element.hidden = true; // what it told may be of other settings
        const body = bodyOf(source, own, keys);
        await (source === null ? post("/ingestion-sources", body)
                               : put(`/ingestion-sources/${source.id}`, body));
        tell(t(source === null ? "form.created" : "form.saved", {name: own.name.value}));
        go("sources");
    });
    return form;
}

// sourceFormView - what the address names.
export async function sourceFormView(place, {parts}) {
    const source = parts[1] === "new" ? null
        : await get(`/ingestion-sources/${encodeURIComponent(parts[1])}`);
    const title = source === null ? t("sources.new") : t("form.edit", {name: source.name});
    place.classList.add("view-narrow");
    fill(place,
         h("div", {class: "head-title"},
           h("a", {class: "back", href: address("sources")}, icon("back"), t("sources.title")),
           h("h1", {}, title)), sourceForm(source));
}
