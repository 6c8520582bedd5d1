// SPDX-License-Identifier: Apache-2.0
// connection-test.js - "Test connection": the steps as they pass, then how it ended. The test runs in
// one request; beside it the page asks what it has found so far.
import {explain} from "./announce.js";
import {get, post} from "./api.js";
import {fill, h} from "./dom.js";
import {icon} from "./icons.js";
import {foreign, has, t} from "./text.js";

const ASK_MS = 250;
const DRAWINGS = {ok: "check", warning: "warning", failed: "cross"};

function step({step: name, state, text}) {
    return h("li", {class: `step step-${state}`}, icon(DRAWINGS[state]),
             h("div", {}, h("strong", {}, has(`step.${name}`) ? t(`step.${name}`) : foreign(name)),
               h("span", {class: "visually-hidden"}, ` ${t(`step.state.${state}`)}`),
               h("p", {class: "sub"}, foreign(text))));
}

function runName() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function ending({ok, message}) {
    return ok ? h("p", {class: "notice"}, icon("check"), t("test.ok"))
              : h("p", {class: "problem"}, icon("warning"), h("span", {}, foreign(message)));
}

// connectionTest - {element, run(body)}; run gives true when all went well.
export function connectionTest() {
    const steps = h("ol", {class: "steps"});
    const end = h("div");
    const element = h("section", {class: "test", "aria-label": t("test.title"), "aria-live": "polite",
                                  hidden: true}, h("h2", {}, t("test.title")), steps, end);
    let shown = 0;

    function show(list) {
        for (const one of list.slice(shown))
            steps.append(step(one));
        shown = Math.max(shown, list.length);
    }

    async function follow(run, going) {
        while (going()) {
            await new Promise((wake) => setTimeout(wake, ASK_MS));
            try {
                const {steps: list} = await get(`/test/${run}`);
                if (going())
                    show(list);
            } catch (problem) {
                if (problem.status !== 404)
                    return; // the answer of the test itself tells
            }
        }
    }

    async function run(body) {
        const name = runName();
        let going = true;
        shown = 0;
        element.hidden = false;
        fill(steps);
        fill(end, h("p", {class: "sub", "aria-busy": "true"}, t("test.running"), " "));
        follow(name, () => going);
        try {
            const result = await post("/test", {...body, run: name});
            going = false;
            show(result.steps);
            fill(end, ending(result));
            return result.ok;
        } catch (problem) {
            going = false;
            fill(end, h("p", {class: "problem"}, icon("warning"),
                        h("span", {}, ...explain(problem))));
            return false;
        }
    }
    return {element, run};
}
