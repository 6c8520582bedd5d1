// SPDX-License-Identifier: Apache-2.0
// source-fields.js - the fields of a form that stand for keys of a connection string, and the string
// itself: whatever is changed, the other follows. The string is what counts; the fields show it.
import {ConnectionError, get, isTrue, parse, set} from "./connection-string.js";
import {h} from "./dom.js";
import {area, choice, field, toggle} from "./form.js";
import {PROVIDERS, provider, providerOf} from "./providers.js";
import {t} from "./text.js";

const PORTS = {true: "993", false: "143"};
const AFTER = ["Move", "Leave", "Delete", "Flag"];

/* ---- One field and its key ------------------------------------------------------------------- */

// A line of text: {control, show(text), store(text)}; store gives the connection string back.
function textKey(key, options = {}) {
    const control = field({label: t(`form.${key}`), hint: options.hint && t(`form.${key}.hint`),
                           placeholder: options.standard, spellcheck: "false", autocomplete: "off",
                           ...options.attributes});
    return {control, show: (text) => {
        control.value = get(text, key) ?? "";
    }, store: (text) => set(text, key, control.value.trim())};
}

function flagKey(key, options = {}) {
    const control = toggle({label: t(`form.${key}`), hint: t(`form.${key}.hint`)});
    return {control, show: (text) => {
        control.value = isTrue(get(text, key));
    }, store: (text) => set(text, key, control.value ? "True" : options.off ?? null)};
}

function afterKey() {
    const control = choice({label: t("form.after"), hint: t("form.after.hint"), value: "Move",
                            options: AFTER.map((name) => [name, t(`form.after.${name}`)])});
    return {control, show: (text) => {
        const value = get(text, "after")?.toLowerCase();
        control.value = AFTER.find((name) => name.toLowerCase() === value) ?? "Move";
    }, store: (text) => set(text, "after", control.value === "Move" ? null : control.value)};
}

// The port that TLS stands for need not be told; another one stays when TLS is switched.
function portKey() {
    const control = field({label: t("form.port"), inputmode: "numeric", pattern: "[0-9]{1,5}",
                           autocomplete: "off"});
    return {control, show: (text) => {
        control.value = get(text, "port") ?? PORTS[isTrue(get(text, "ssl"))];
    }, store: (text) => {
        const standard = PORTS[isTrue(get(text, "ssl"))];
        return set(text, "port", control.value === standard ? null : control.value.trim());
    }};
}

function secureKey() {
    const one = flagKey("ssl", {off: "False"});
    return {control: one.control, show: one.show, store: (text) => {
        const before = PORTS[isTrue(get(text, "ssl"))];
        const stored = one.store(text);
        return get(text, "port") === before ? set(stored, "port", null) : stored;
    }};
}

/* ---- All of them ----------------------------------------------------------------------------- */

function fieldsOf() {
    return {
        url: textKey("url", {attributes: {required: true, placeholder: "imap.example.org"}}),
        port: portKey(),
        ssl: secureKey(),
        allowInsecureCert: flagKey("allowInsecureCert"),
        mailbox: textKey("mailbox", {standard: "INBOX"}),
        dropbox: textKey("dropbox", {standard: "DROPBOX"}),
        badmail: textKey("badmail", {standard: "BADMAIL"}),
        after: afterKey(),
        attachHtml: flagKey("attachHtml"),
        sanitize: flagKey("sanitize"),
    };
}

function mistake(error) {
    if (!(error instanceof ConnectionError))
        throw error;
    return t("connection.at", {what: t(`connection.${error.key}`), at: error.at});
}

// The provider, and what it wants of whoever signs in.
function presets(apply) {
    const advice = h("div", {class: "notice", hidden: true});
    const control = choice({label: t("form.provider"), value: "generic",
                            options: PROVIDERS.map(({name}) => [name, t(`provider.${name}`)])});
    function advise() {
        const chosen = provider(control.value);
        advice.hidden = !chosen.advice;
        advice.textContent = chosen.advice ? t(`advice.${chosen.name}`) : "";
    }
    control.input.addEventListener("change", () => {
        apply(provider(control.value));
        advise();
    });
    function show(host) {
        const known = providerOf(host);
        if (known.name !== "generic" || provider(control.value).domains !== undefined)
            control.value = known.name;
        advise();
    }
    return {control, advice, show};
}

// sourceFields - {fields, preset, expert, text, valid}; @start: the connection string at first.
export function sourceFields(start) {
    const fields = fieldsOf();
    const expert = area({label: t("form.connection"), hint: t("form.connection.hint")});
    const wrong = h("p", {class: "problem", role: "alert", hidden: true});
    expert.element.append(wrong);
    const warning = h("p", {class: "notice notice-warn", hidden: true}, t("form.insecure.warning"));
    let text = start;
    let valid = true;

    // A server of one's own stays, when what is chosen is one's own as well.
    const preset = presets(({host, ssl, auth}) => {
        change((old) => {
            const own = providerOf(get(old, "url") ?? "").name === "generic";
            if (host === "" && own)
                return old;
            const at = set(set(set(old, "url", host), "ssl", ssl ? "True" : "False"), "port", null);
            return set(at, "auth", auth ?? null);
        });
    });

    function show() {
        for (const one of Object.values(fields))
            one.show(text);
        warning.hidden = !fields.allowInsecureCert.control.value;
        preset.show(get(text, "url") ?? "");
    }

    function change(made) {
        if (!valid)
            return; // the string has to be mended first
        text = made(text);
        expert.value = text;
        show();
    }

    function readExpert() {
        try {
            parse(expert.value);
            text = expert.value;
            valid = true;
            show();
        } catch (error) {
            valid = false;
            wrong.textContent = mistake(error);
        }
        wrong.hidden = valid;
        expert.input.setAttribute("aria-invalid", String(!valid));
        for (const {control} of Object.values(fields))
            control.input.disabled = !valid;
    }

    for (const one of Object.values(fields))
        one.control.input.addEventListener("change", () => change(one.store));
    expert.input.addEventListener("input", readExpert);
    expert.value = start;
    readExpert();
    return {fields, preset, expert, warning, get text() {
        return text;
    }, get valid() {
        return valid;
    }};
}
