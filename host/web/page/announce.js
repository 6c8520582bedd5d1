// SPDX-License-Identifier: Apache-2.0
// announce.js - what has happened, for eyes (a note at the edge that goes away) and for screen readers
// (a live region).
import {h, append} from "./dom.js";
import {icon} from "./icons.js";
import {foreign, has, t} from "./text.js";

const SHOWN_MS = 6000;

function corner() {
    const there = document.getElementById("notes");
    if (there !== null)
        return there;
    const made = h("div", {id: "notes", class: "notes"});
    document.body.append(made);
    return made;
}

// say - for screen readers alone.
export function say(text) {
    document.getElementById("announcer").textContent = text;
}

function show(kind, ...content) {
    const note = h("div", {class: `note note-${kind}`, role: kind === "bad" ? "alert" : "status"},
                   icon(kind === "bad" ? "warning" : "check"), h("p", {}, ...content));
    corner().append(note);
    setTimeout(() => note.remove(), kind === "bad" ? SHOWN_MS * 2 : SHOWN_MS);
}

export function tell(text) {
    show("good", text);
}

// explain - a Problem as content: what, and what to do.
export function explain(problem) {
    if (problem.status === undefined)
        throw problem; // a fault of ours, not of the server
    const key = `problem.${problem.status}`;
    const what = has(key) ? t(key, {seconds: problem.retryAfter}) : foreign(problem.message);
    const out = [what];
    if (!has(key) && problem.toDo)
        out.push(" — ", foreign(problem.toDo));
    return out;
}

export function tellProblem(problem) {
    show("bad", ...explain(problem));
}

// problemBox - a place in a form where a Problem is shown, empty at first.
export function problemBox() {
    const box = h("div", {class: "problem", role: "alert", hidden: true});
    return {
        element: box,
        clear() {
            box.hidden = true;
            box.replaceChildren();
        },
        show(problem) {
            box.replaceChildren();
            append(box, icon("warning"), h("p", {}, ...explain(problem)));
            box.hidden = false;
        },
    };
}
