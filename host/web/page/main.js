// SPDX-License-Identifier: Apache-2.0
// main.js - the page's start: texts, who is signed in, and the view that the address names.
//
// A view is a function (place, route) that fills @place and may give back a function that ends it.
// Each address gets its view; focus moves to the view's heading, so that a screen reader reads it.
import {explain, tellProblem} from "./announce.js";
import {onSignedOut} from "./api.js";
import {fill, h} from "./dom.js";
import * as live from "./live.js";
import {go, route} from "./router.js";
import {current, forget, resume} from "./session.js";
import {setupView, signInView} from "./signin.js";
import {frame} from "./frame.js";
import {keepTimes, loadTexts, t} from "./text.js";
import {views} from "./views.js";

const app = document.getElementById("app");
let shell = null;  // the frame around the views, while somebody is signed in
let ended = null;  // what ends the present view
let turn = 0;      // rises with each address: what comes late for an older one is dropped

function leave() {
    ended?.();
    ended = null;
}

function signedOut() {
    leave();
    live.stop();
    forget();
    shell = null;
    show();
}

function title(place) {
    const heading = place.querySelector("h1");
    document.title = heading === null ? "mailchute" : `${heading.textContent} – mailchute`;
    return heading;
}

function focusOn(heading) {
    if (heading === null)
        return;
    heading.tabIndex = -1;
    heading.focus({preventScroll: true});
    window.scrollTo(0, 0);
}

async function showGate(mine) {
    const {parts} = route();
    const view = parts[0] === "setup" ? setupView(parts[1], signedIn) : await signInView(signedIn);
    if (mine !== turn)
        return;
    fill(app, view);
    title(app);
    app.querySelector("input").focus();
}

function signedIn() {
    if (route().parts[0] === "setup")
        go("sources"); // shows it, as the address changes
    else
        show();
}

async function showView(mine) {
    const at = route();
    const [name = "sources"] = at.parts;
    const view = views[name];
    if (view === undefined || name === "setup") {
        go("sources");
        return;
    }
    if (shell === null) {
        shell = frame(signedOut);
        fill(app, shell.element);
        live.start(shell.connected);
    }
    const place = h("div", {class: "view"});
    const end = await view(place, at);
    if (mine !== turn) {
        end?.();
        return;
    }
    ended = end ?? null;
    shell.select(name);
    fill(shell.main, place);
    focusOn(title(place));
}

async function show() {
    turn += 1;
    const mine = turn;
    leave();
    try {
        await (current() === null ? showGate(mine) : showView(mine));
    } catch (problem) {
        if (problem.status === 401 && current() === null)
            return;
        if (mine === turn && shell !== null && problem.status !== undefined)
            fill(shell.main, h("div", {class: "view"}, h("h1", {}, t("problem.title")),
                               h("p", {class: "problem"}, ...explain(problem))));
        else
            tellProblem(problem);
    }
}

async function begin() {
    await loadTexts();
    onSignedOut(signedOut);
    keepTimes();
    window.addEventListener("hashchange", show);
    try {
        await resume();
    } catch (problem) {
        tellProblem(problem);
    }
    await show();
}

begin();
