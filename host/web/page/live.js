// SPDX-License-Identifier: Apache-2.0
// live.js - what happens in the queue, as it happens: the stream of events, for every view that wants
// to know. A stream that ends comes again by itself; one that is refused is asked for again after a
// while, unless nobody is signed in any more.
import {get, url} from "./api.js";

const NAMES = ["entry", "more", "counts", "source", "removed", "reset"];
const AGAIN_MS = 3000;
const listeners = new Map(NAMES.map((name) => [name, new Set()]));
let stream = null;
let whenState = () => {};

function hand(name, data) {
    for (const call of listeners.get(name))
        call(data);
}

async function again() {
    try {
        await get("/queues"); // 401 ends the session in api.js
    } catch {
        // the server is away: try again below
    }
    if (stream !== null && stream.readyState === EventSource.CLOSED)
        setTimeout(() => stream !== null && open(), AGAIN_MS);
}

function open() {
    stream = new EventSource(url("/events"));
    for (const name of NAMES)
        stream.addEventListener(name, (event) => hand(name, JSON.parse(event.data)));
    stream.addEventListener("open", () => whenState(true));
    stream.addEventListener("error", () => {
        whenState(false);
        if (stream !== null && stream.readyState === EventSource.CLOSED)
            again();
    });
}

// start - @state is called with true when the stream is there, with false when it is lost.
export function start(state) {
    stop();
    whenState = state;
    open();
}

export function stop() {
    stream?.close();
    stream = null;
}

// listen - {entry: call, counts: call}; what comes back ends it.
export function listen(calls) {
    for (const [name, call] of Object.entries(calls))
        listeners.get(name).add(call);
    return () => {
        for (const [name, call] of Object.entries(calls))
            listeners.get(name).delete(call);
    };
}
