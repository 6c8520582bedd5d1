// SPDX-License-Identifier: Apache-2.0
// text.js - all texts of the page, in the language of whoever looks at it: one file each in texts/,
// with the same keys. t("queue.from", {name}) puts values where the text has {name}. What the server
// says comes in English and is marked so (foreign).
import {h} from "./dom.js";

export const LANGUAGES = {en: "English", de: "Deutsch", cs: "Čeština"};
const KEPT = "mailchute-language";
let texts = {};
let language = "en";
let region = "en"; // the language as it is spoken where the browser is: "en-GB"

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
    region = navigator.languages.find((name) => name.startsWith(language)) ?? language;
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
    return new Intl.NumberFormat(region, {maximumFractionDigits: digits}).format(value);
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function size(bytes) {
    let unit = 0;
    while (bytes >= 1000 && unit < UNITS.length - 1) {
        bytes /= 1000;
        unit += 1;
    }
    const shown = new Intl.NumberFormat(region, {maximumSignificantDigits: 3}).format(bytes);
    return `${shown}\u00a0${UNITS[unit]}`;
}

export function time(text, style = {dateStyle: "medium", timeStyle: "short"}) {
    return text ? new Intl.DateTimeFormat(region, style).format(new Date(text)) : "–";
}

export function day(text) {
    return time(text, {dateStyle: "medium", timeZone: "UTC"});
}

const SPANS = [["year", 31557600], ["month", 2629800], ["day", 86400], ["hour", 3600],
               ["minute", 60], ["second", 1]];

function since(text) {
    const seconds = (new Date(text) - Date.now()) / 1000;
    const [unit, length] = SPANS.find(([, at]) => Math.abs(seconds) >= at) ?? SPANS.at(-1);
    return new Intl.RelativeTimeFormat(region, {numeric: "auto"})
        .format(Math.trunc(seconds / length), unit);
}

// ago - "3 minutes ago", for as long as it is shown (keepTimes); the exact time is its tooltip.
export function ago(text) {
    if (!text)
        return h("span", {}, "–");
    return h("time", {datetime: text, class: "ago",
                      title: time(text, {dateStyle: "full", timeStyle: "long"})}, since(text));
}

// keepTimes - every while, all that ago() made tells the time anew.
export function keepTimes() {
    setInterval(() => {
        for (const one of document.querySelectorAll("time.ago"))
            one.textContent = since(one.dateTime);
    }, 10000);
}

// span - a length of time of at least a second: "5 s", "3 min".
export function span(time_s) {
    const seconds = Math.max(1, time_s);
    const [unit, length] = SPANS.slice(2).find(([, at]) => seconds >= at) ?? SPANS.at(-1);
    return new Intl.NumberFormat(region, {style: "unit", unit, unitDisplay: "short",
                                            maximumFractionDigits: unit === "second" ? 1 : 0})
        .format(seconds / length);
}
