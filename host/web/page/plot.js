// SPDX-License-Identifier: Apache-2.0
// plot.js - numbers as bars, drawn as SVG; beside each drawing the same numbers as a table that
// screen readers read and anybody can open.
import {h, svg} from "./dom.js";
import {number, t} from "./text.js";

const NARROW = matchMedia("(max-width: 800px)"); // drawn for it: letters stay as large as others
const HEIGHT = 190;
const LEFT = 44;
const BOTTOM = 24;
const TOP = 10;

// A round number that is not below @value, and even: 2, 4, 6, 10, 20, 40, ...
function ceiling(value) {
    const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
    return [1, 2, 4, 6, 10].map((step) => step * power)
        .find((step) => step >= value && step % 2 === 0);
}

function tableOf(caption, names, rows) {
    return h("details", {class: "plot-table"}, h("summary", {}, t("plot.table")),
             h("table", {}, h("caption", {class: "visually-hidden"}, caption),
               h("thead", {}, h("tr", {}, names.map((name) => h("th", {scope: "col"}, name)))),
               h("tbody", {}, rows.map(([first, ...rest]) =>
                   h("tr", {}, h("th", {scope: "row"}, first),
                     rest.map((value) => h("td", {}, value)))))));
}

function figure(title, note, drawing, table) {
    return h("figure", {class: "panel panel-padded plot"},
             h("figcaption", {}, h("h2", {}, title), note && h("p", {class: "sub"}, note)),
             drawing, table);
}

/* ---- By day ---------------------------------------------------------------------------------- */

function grid(most, tall, width) {
    return [0, 0.5, 1].map((part) => {
        const y = TOP + tall * (1 - part);
        return [svg("line", {class: "plot-line", x1: LEFT, x2: width, y1: y, y2: y}),
                svg("text", {class: "plot-label", x: LEFT - 8, y: y + 4, "text-anchor": "end"},
                    number(most * part))];
    });
}

function dayBar({label, good, bad}, x, wide, tall, most) {
    const high = tall * good / most;
    const badHigh = tall * bad / most;
    const y = TOP + tall - high;
    return svg("g", {}, svg("title", {}, `${label}: ${number(good)}`),
               svg("rect", {class: "plot-hit", x, y: TOP, width: wide, height: tall}),
               svg("rect", {class: "plot-bar", x: x + 2, y, width: wide - 4, height: high, rx: 2}),
               bad > 0 && svg("rect", {class: "plot-bad", x: x + 2, y: TOP + tall - badHigh,
                                       width: wide - 4, height: badHigh}));
}

// dayPlot - @days: [{label, short, good, bad}], oldest first; bad ones are among the good.
export function dayPlot(title, note, days) {
    const most = ceiling(Math.max(...days.map(({good}) => good)));
    const tall = HEIGHT - TOP - BOTTOM;
    const width = NARROW.matches ? 360 : 720;
    const wide = (width - LEFT) / days.length;
    const every = Math.ceil(days.length / (width / 90));
    const drawing = svg("svg", {viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": title,
                                class: "plot-days"},
                        grid(most, tall, width),
                        days.map((one, i) => dayBar(one, LEFT + i * wide, wide, tall, most)),
                        days.map(({short}, i) => i % every === 0 &&
                            svg("text", {class: "plot-label", x: LEFT + (i + 0.5) * wide,
                                         y: HEIGHT - 6, "text-anchor": "middle"}, short)));
    return figure(title, note, drawing, tableOf(title, [t("plot.day"), t("plot.mails"),
                                                        t("plot.bad")],
        days.map(({label, good, bad}) => [label, number(good), number(bad)])));
}

/* ---- By kind --------------------------------------------------------------------------------- */

const ROW = 27;
const NAME = 128;

function kindBar({label, count, note}, i, most, width) {
    const y = i * ROW;
    const long = (width - NAME - 110) * count / most;
    return svg("g", {}, svg("title", {}, label),
               svg("text", {class: "plot-name", x: 0, y: y + 19},
                   label.length > 17 ? `${label.slice(0, 16)}…` : label),
               svg("rect", {class: "plot-bar", x: NAME, y: y + 6, rx: 3, height: ROW - 12,
                            width: Math.max(long, count > 0 ? 2 : 0)}),
               svg("text", {class: "plot-label", x: NAME + long + 8, y: y + 18},
                   note ? `${number(count)} · ${note}` : number(count)));
}

// kindPlot - @kinds: [{label, count, note}], in their order.
export function kindPlot(title, note, head, kinds) {
    const most = Math.max(1, ...kinds.map(({count}) => count));
    const width = NARROW.matches ? 350 : 460;
    const drawing = svg("svg", {viewBox: `0 0 ${width} ${kinds.length * ROW}`, role: "img",
                                "aria-label": title, class: "plot-kinds"},
                        kinds.map((one, i) => kindBar(one, i, most, width)));
    return figure(title, note, drawing, tableOf(title, [head, t("plot.mails")],
        kinds.map(({label, count}) => [label, number(count)])));
}
