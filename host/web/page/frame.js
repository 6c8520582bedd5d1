// SPDX-License-Identifier: Apache-2.0
// frame.js - what stands around every view: the way to the others, who is signed in, whether what is
// shown is live.
import {tellProblem} from "./announce.js";
import {fill, h} from "./dom.js";
import {icon, logo} from "./icons.js";
import {address} from "./router.js";
import {current, signOut} from "./session.js";
import {t} from "./text.js";

const PLACES = ["sources", "queue", "statistics", "account"];

function link(name) {
    return h("a", {class: "nav-link", href: address(name), "data-view": name}, icon(name),
             h("span", {}, t(`nav.${name}`)));
}

function whoIs(signedOut) {
    const out = h("button", {type: "button", class: "quiet", title: t("nav.signout"),
                             "aria-label": t("nav.signout"), onclick: async () => {
        try {
            await signOut();
            signedOut();
        } catch (problem) {
            tellProblem(problem);
        }
    }}, icon("signout"));
    return h("div", {class: "who"}, h("div", {class: "who-name"}, h("strong", {}, current().name),
                                      h("span", {}, t(`role.${current().role}`))), out);
}

// frame - {element, main, select(view), connected(yes)}; @signedOut when somebody leaves.
export function frame(signedOut) {
    const main = h("main", {id: "main", tabindex: -1});
    const links = PLACES.map(link);
    const state = h("p", {class: "live", role: "status"}, t("live.wait"));
    const skip = h("button", {type: "button", class: "skip", onclick: () => main.focus()},
                   t("nav.skip"));
    const element = h("div", {class: "frame"}, skip,
                      h("header", {class: "side"},
                        h("a", {class: "brand", href: address("sources")}, logo(), "mailchute"),
                        h("nav", {"aria-label": t("nav.label")}, links),
                        h("div", {class: "side-end"}, state, whoIs(signedOut))),
                      main);
    return {
        element,
        main,
        select(name) {
            for (const one of links) {
                if (one.dataset.view === name)
                    one.setAttribute("aria-current", "page");
                else
                    one.removeAttribute("aria-current");
            }
        },
        connected(yes) {
            state.classList.toggle("live-on", yes);
            state.classList.toggle("live-off", !yes);
            fill(state, t(yes ? "live.on" : "live.off"));
        },
    };
}
