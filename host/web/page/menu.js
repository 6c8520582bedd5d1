// SPDX-License-Identifier: Apache-2.0
// menu.js - a button that opens a list of things to do, by mouse and by keys (arrows, Home, End,
// Escape), as the menu button pattern of ARIA has it.
import {h} from "./dom.js";
import {icon} from "./icons.js";

function items(entries, close) {
    return entries.filter(Boolean).map(({text, drawing, act, danger}) =>
        h("li", {role: "none"},
          h("button", {type: "button", role: "menuitem", tabindex: -1,
                       class: danger ? "menu-item menu-danger" : "menu-item",
                       onclick: () => {
                           close();
                           act();
                       }}, icon(drawing), text)));
}

function step(list, by) {
    const all = [...list.querySelectorAll("[role=menuitem]")];
    const at = all.indexOf(document.activeElement);
    all[(at + by + all.length) % all.length].focus();
}

function keys(list, close, event) {
    const moves = {ArrowDown: () => step(list, 1), ArrowUp: () => step(list, -1),
                   Home: () => list.querySelector("[role=menuitem]").focus(),
                   End: () => [...list.querySelectorAll("[role=menuitem]")].at(-1).focus(),
                   Escape: close, Tab: close};
    const move = moves[event.key];
    if (move === undefined)
        return;
    if (event.key !== "Tab")
        event.preventDefault();
    event.stopPropagation();
    move();
}

// What can be seen of the window: on a phone the way to the other views lies over its end.
function shownHeight() {
    const bar = document.querySelector("nav")?.getBoundingClientRect();
    return bar !== undefined && bar.bottom >= innerHeight && bar.top > innerHeight / 2
        ? bar.top : innerHeight;
}

// menu - @entries() is asked when it opens: [{text, drawing, act, danger}].
export function menu(label, entries) {
    const button = h("button", {type: "button", class: "quiet", "aria-haspopup": "menu",
                                "aria-expanded": "false", "aria-label": label, title: label},
                     icon("more"));
    const element = h("div", {class: "menu"}, button);
    let list = null;

    function outside(event) {
        if (!element.contains(event.target))
            close(false);
    }

    function close(focus = true) {
        if (list === null)
            return;
        list.remove();
        list = null;
        document.removeEventListener("pointerdown", outside);
        button.setAttribute("aria-expanded", "false");
        if (focus)
            button.focus();
    }

    function open() {
        list = h("ul", {role: "menu", "aria-label": label, class: "menu-list"},
                 items(entries(), close));
        list.addEventListener("keydown", (event) => keys(list, close, event));
        element.append(list);
        button.setAttribute("aria-expanded", "true");
        document.addEventListener("pointerdown", outside);
        if (list.getBoundingClientRect().bottom > shownHeight())
            list.classList.add("menu-up");
        list.querySelector("[role=menuitem]").focus();
    }

    button.addEventListener("click", () => list === null ? open() : close());
    button.addEventListener("keydown", (event) => {
        if (event.key === "ArrowDown" && list === null) {
            event.preventDefault();
            open();
        }
    });
    return element;
}
