// SPDX-License-Identifier: Apache-2.0
// connection-string.js - key=value;key=value, read and written as the loaders do: keys in any case,
// spaces around keys and values trimmed, a value with ; or a quote or spaces at its ends in quotes,
// that quote doubled inside. Changing one key leaves the others as they were written.

export class ConnectionError extends Error {
    constructor(key, at) {
        super(key);
        this.key = key; // of a text: connection.<key>
        this.at = at;   // the position, from 1
    }
}

function quotedEnd(text, at) {
    const quote = text[at];
    let end = at + 1;
    for (; end < text.length; end += 1) {
        if (text[end] !== quote)
            continue;
        if (text[end + 1] !== quote)
            return end;
        end += 1;
    }
    throw new ConnectionError("unclosed", at + 1);
}

function skipSpaces(text, at) {
    while (at < text.length && text[at].trim() === "")
        at += 1;
    return at;
}

// The value that begins at @at: {value, end}, end at the ';' behind it, or at the text's end.
function readValue(text, at) {
    at = skipSpaces(text, at);
    if (text[at] === '"' || text[at] === "'") {
        const last = quotedEnd(text, at);
        const end = skipSpaces(text, last + 1);
        if (end < text.length && text[end] !== ";")
            throw new ConnectionError("behind", end + 1);
        return {value: text.slice(at + 1, last).replaceAll(text[at] + text[at], text[at]), end};
    }
    const semicolon = text.indexOf(";", at);
    const end = semicolon < 0 ? text.length : semicolon;
    return {value: text.slice(at, end).trim(), end};
}

// parse - [{key, value, start, end}] in order; start and end are where it stands in the text.
export function parse(text) {
    const parts = [];
    const seen = new Set();
    for (let at = 0; at < text.length;) {
        const start = skipSpaces(text, at);
        if (start === text.length)
            break;
        if (text[start] === ";") {
            at = start + 1;
            continue;
        }
        const equals = text.indexOf("=", start);
        const semicolon = text.indexOf(";", start);
        if (equals < 0 || (semicolon >= 0 && semicolon < equals))
            throw new ConnectionError("equals", start + 1);
        const key = text.slice(start, equals).trim();
        if (key === "")
            throw new ConnectionError("nokey", start + 1);
        if (seen.has(key.toLowerCase()))
            throw new ConnectionError("twice", start + 1);
        seen.add(key.toLowerCase());
        const {value, end} = readValue(text, equals + 1);
        parts.push({key, value, start, end});
        at = end + 1;
    }
    return parts;
}

function find(text, key) {
    return parse(text).find((part) => part.key.toLowerCase() === key.toLowerCase());
}

// get - the value of @key; undefined where it is not there.
export function get(text, key) {
    return find(text, key)?.value;
}

export function quoted(value) {
    if (!/[;'"]|^\s|\s$/.test(value))
        return value;
    return `"${value.replaceAll('"', '""')}"`;
}

// set - the text with @key at @value; null or "" takes it out.
export function set(text, key, value) {
    const part = find(text, key);
    if (value === null || value === "") {
        if (part === undefined)
            return text;
        return (text.slice(0, part.start) + text.slice(part.end + 1)).replace(/;\s*$/, "");
    }
    if (part !== undefined)
        return `${text.slice(0, part.start)}${part.key}=${quoted(value)}${text.slice(part.end)}`;
    const start = text.replace(/;?\s*$/, "");
    return `${start}${start === "" ? "" : ";"}${key}=${quoted(value)}`;
}

// isTrue - as the loaders read a switch.
export function isTrue(value) {
    return /^(true|yes|1)$/i.test(value ?? "");
}
