// SPDX-License-Identifier: Apache-2.0
// api.js - the REST interface (docs/openapi.json). A call gives the answer's JSON, or throws a Problem
// that says what went wrong and what to do.

const START = "api/v1";
const UNATTENDED_MS = 60000; // without a hand on it the page's own questions keep no session alive
let csrf = "";
let touched = Date.now();

for (const kind of ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"])
    addEventListener(kind, () => { touched = Date.now(); }, {capture: true, passive: true});

export class Problem extends Error {
    constructor(status, detail, toDo, retryAfter) {
        super(detail);
        this.status = status; // 0: the server was not reached
        this.toDo = toDo;
        this.retryAfter = retryAfter;
    }
}

// whenSignedOut - called when the server says that nobody is signed in any more.
let whenSignedOut = () => {};
export function onSignedOut(call) {
    whenSignedOut = call;
}

export function setCsrf(token) {
    csrf = token ?? "";
}

async function problemOf(response) {
    let told = {};
    try {
        told = await response.json();
    } catch {
        // not ours: a proxy's, perhaps
    }
    return new Problem(response.status, told.detail ?? response.statusText, told.to_do ?? "",
                       Number(response.headers.get("Retry-After") ?? 0));
}

async function send(method, path, {body, signal, range}) {
    const headers = {"X-CSRF-Token": csrf};
    if (range !== undefined)
        headers.Range = `bytes=${range}`;
    if (Date.now() - touched > UNATTENDED_MS)
        headers["X-Unattended"] = "1";
    if (body !== undefined)
        headers["Content-Type"] = "application/json";
    try {
        return await fetch(START + path, {method, headers, signal, credentials: "same-origin",
                                          body: body === undefined ? undefined
                                                                   : JSON.stringify(body)});
    } catch (error) {
        if (error.name === "AbortError")
            throw error;
        throw new Problem(0, "the server cannot be reached", "", 0);
    }
}

// The answer when it is a good one.
async function answer(method, path, more) {
    const response = await send(method, path, more);
    if (response.ok)
        return response;
    const problem = await problemOf(response);
    if (problem.status === 401 && !path.startsWith("/auth/"))
        whenSignedOut();
    throw problem;
}

async function ask(method, path, more = {}) {
    const response = await answer(method, path, more);
    return {value: response.status === 204 ? null : await response.json(), response};
}

export async function get(path, signal) {
    return (await ask("GET", path, {signal})).value;
}

// getBytes - of what is no JSON those in @range, "0-99".
export async function getBytes(path, range) {
    return (await answer("GET", path, {range})).arrayBuffer();
}

export async function post(path, body) {
    return (await ask("POST", path, {body})).value;
}

export async function put(path, body) {
    return (await ask("PUT", path, {body})).value;
}

export async function remove(path) {
    return (await ask("DELETE", path)).value;
}

// query - "?a=1&b=2" of what is not empty.
export function query(values) {
    const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== "" &&
                                                               value !== null);
    return given.length === 0 ? "" : "?" + new URLSearchParams(given);
}

// url - of something that the browser itself is to fetch: a download, a frame.
export function url(path) {
    return START + path;
}

// sourcePage - one page of sources by name: {items, next}, next null where it is the last.
export async function sourcePage(after, limit) {
    const {value, response} = await ask("GET", "/ingestion-sources" + query({limit, after}));
    const more = /[?&]after=([^>&]*)>/.exec(response.headers.get("Link") ?? "");
    return {items: value, next: more === null ? null : decodeURIComponent(more[1])};
}
