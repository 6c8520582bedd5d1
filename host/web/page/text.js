// SPDX-License-Identifier: Apache-2.0
// text.js - all texts of the page, in the language of whoever looks at it: one file each in texts/,
// with the same keys. t("queue.from", {name}) puts values where the text has {name}. What the server
// says comes in English and is marked so (foreign).
import {h} from "./dom.js";

export const LANGUAGES = {en: "English", de: "Deutsch", cs: "Čeština"};
const KEPT = "mailchute-language";
let texts = {};
let language = "en";

function wanted() {
    const chosen = localStorage.getItem(KEPT);
    const list = chosen === null ? navigator.languages : [chosen, ...navigator.languages];
    for (const name of list) {
        const short = name.slice(0, 2).toLowerCase();
        if (Object.hasOwn(LANGUAGES, short))
            return short;
    }
    return "en";
}

export async function loadTexts() {
    language = wanted();
    const response = await fetch(`page/texts/${language}.json`);
    texts = await response.json();
    document.documentElement.lang = language;
}

export function chooseLanguage(name) {
    localStorage.setItem(KEPT, name);
}

export function currentLanguage() {
    return language;
}

export function t(key, values) {
    const text = texts[key] ?? key;
    return values === undefined ? text
                                : text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ""));
}

// has - whether there is such a text: for words that come from the server.
export function has(key) {
    return Object.hasOwn(texts, key);
}

// foreign - a text of the server, in English whatever the page's language.
export function foreign(text) {
    return h("span", language === "en" ? {} : {lang: "en"}, text);
}

/* ---- Numbers, sizes, times ---------------------------------------------------------------- */

export function number(value, digits = 0) {
    return new Intl.NumberFormat(language, {maximumFractionDigits: digits}).format(value);
}

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];

export function size(bytes) {
    let unit = 0;
    while (bytes >= 1000 && unit < UNITS.length - 1) {
        bytes /= 1000;
        unit += 1;
    }
    return new Intl.NumberFormat(language, {style: "unit", unit: UNITS[unit], unitDisplay: "short",
                                            maximumSignificantDigits: 3}).format(bytes);
}

export function time(text, style = {dateStyle: "medium", timeStyle: "short"}) {
    return text ? new Intl.DateTimeFormat(language, style).format(new Date(text)) : "–";
}

export function day(text) {
    return time(text, {dateStyle: "medium", timeZone: "UTC"});
}

const SPANS = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600],
               ["minute", 60], ["second", 1]];

// ago - "3 minutes ago"; the exact time is its tooltip.
export function ago(text) {
    if (!text)
        return h("span", {}, "–");
    const seconds = (new Date(text) - Date.now()) / 1000;
    const [unit, length] = SPANS.find(([, span]) => Math.abs(seconds) >= span) ?? SPANS.at(-1);
    const shown = new Intl.RelativeTimeFormat(language, {numeric: "auto"})
        .format(Math.trunc(seconds / length), unit);
    return h("time", {datetime: text, title: time(text, {dateStyle: "full", timeStyle: "long"})},
             shown);
}

// span - a length of time: "1.2 s", "3 min".
export function span(seconds) {
    const [unit, length] = SPANS.slice(2).find(([, at]) => seconds >= at) ?? SPANS.at(-1);
    return new Intl.NumberFormat(language, {style: "unit", unit, unitDisplay: "short",
                                            maximumFractionDigits: unit === "second" ? 1 : 0})
        .format(seconds / length);
}
