// SPDX-License-Identifier: Apache-2.0
// tabs.js - one of several panels, chosen by tabs, by mouse and arrow keys, as ARIA has it. A panel is
// made when it is first shown.
import {fill, freshId, h} from "./dom.js";

// tabs - @list: [{text, show(panel)}], without those that are false.
export function tabs(label, list) {
    const all = list.filter(Boolean).map(({text, show}) => {
        const id = freshId("tab");
        const panel = h("div", {role: "tabpanel", id: `${id}-panel`, "aria-labelledby": id,
                                tabindex: 0, hidden: true});
        const tab = h("button", {type: "button", role: "tab", id, "aria-controls": panel.id}, text);
        tab.addEventListener("click", () => select(tab));
        return {tab, panel, show, made: false};
    });
    const bar = h("div", {role: "tablist", "aria-label": label, class: "tabs"},
                  all.map(({tab}) => tab));

    function select(chosen) {
        for (const one of all) {
            const yes = one.tab === chosen;
            one.tab.setAttribute("aria-selected", String(yes));
            one.tab.tabIndex = yes ? 0 : -1;
            one.panel.hidden = !yes;
            if (yes && !one.made) {
                one.made = true;
                fill(one.panel);
                one.show(one.panel);
            }
        }
    }

    bar.addEventListener("keydown", (event) => {
        const at = all.findIndex(({tab}) => tab === document.activeElement);
        const to = {ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1}[event.key];
        if (to === undefined || at < 0)
            return;
        event.preventDefault();
        const {tab} = all[(to + all.length) % all.length];
        select(tab);
        tab.focus();
    });
    select(all[0].tab);
    return h("div", {}, bar, all.map(({panel}) => panel));
}
