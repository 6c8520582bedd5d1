// SPDX-License-Identifier: Apache-2.0
// statistics.js - what came from a source: #/statistics/ID, or the first one.
import {tellProblem} from "./announce.js";
import {get, sourcePage} from "./api.js";
import {fill, h} from "./dom.js";
import {choice} from "./form.js";
import {icon} from "./icons.js";
import {listen} from "./live.js";
import {dayPlot, kindPlot} from "./plot.js";
import {go} from "./router.js";
import {seldom} from "./seldom.js";
import {day, number, size, span, t, time} from "./text.js";

const DAYS = 30;
const DAY_MS = 86400000;
const LISTED = 200;     // sources that can be chosen here; any other is reached from its row
const REFRESH_MS = 3000;

/* ---- Plots ----------------------------------------------------------------------------------- */

// The last 30 days, those without mail included.
function lastDays(recent) {
    const known = new Map(recent.map((one) => [one.date, one]));
    const today = Math.floor(Date.now() / DAY_MS);
    return Array.from({length: DAYS}, (_, i) => {
        const date = new Date((today - DAYS + 1 + i) * DAY_MS).toISOString().slice(0, 10);
        const {count = 0, bad = 0} = known.get(date) ?? {};
        return {label: day(date), good: count, bad,
                short: time(date, {day: "numeric", month: "short", timeZone: "UTC"})};
    });
}

function spread(list, shown) {
    return list.map(({upTo, count}, i) => ({
        count,
        label: upTo === null ? t("plot.beyond", {value: shown(list[i - 1].upTo)})
                             : t("plot.upto", {value: shown(upTo)}),
    }));
}

function latency({count, median, p90, longest, spread: list}) {
    const note = count === 0 ? t("stats.latency.none")
        : t("stats.latency.note", {count: number(count), median: span(median), p90: span(p90),
                                   longest: span(longest)});
    return kindPlot(t("stats.latency"), note, t("stats.latency.head"), spread(list, span));
}

function folders(list) {
    return kindPlot(t("stats.folders"), null, t("stats.folder"), list.map(({name, count, bytes}) =>
        ({label: name ?? t("stats.others"), count, note: size(bytes)})));
}

function fact(name, value) {
    return h("div", {class: "tile"}, h("dd", {class: "tile-count"}, value),
             h("dt", {class: "tile-name"}, t(`stats.${name}`)));
}

function facts(stats) {
    return h("dl", {class: "tiles tiles-facts"}, fact("total", number(stats.totalEmails)),
             fact("bad", number(stats.badEmails)), fact("bytes", size(stats.totalBytes)),
             fact("first", stats.firstEmailAt ? day(stats.firstEmailAt) : "–"),
             fact("last", stats.lastEmailAt ? day(stats.lastEmailAt) : "–"));
}

function nothing() {
    return h("div", {class: "panel empty"}, icon("statistics"), h("h2", {}, t("stats.empty")),
             h("p", {}, t("stats.empty.hint")));
}

function plots(stats) {
    if (stats.totalEmails === 0)
        return [facts(stats), nothing()];
    const recent = stats.recentEntries;
    const newest = t("stats.newest", {count: number(recent.entries)});
    return [facts(stats),
            dayPlot(t("stats.days"), t("stats.days.note", {days: DAYS}),
                    lastDays(stats.recentActivity)),
            h("div", {class: "plots"}, latency(recent.latency),
              kindPlot(t("stats.sizes"), newest, t("stats.size"), spread(recent.sizes, size)),
              recent.folders.length > 0 && folders(recent.folders))];
}

/* ---- The view -------------------------------------------------------------------------------- */

function chooser(sources, chosen) {
    const there = sources.some(({id}) => id === chosen.sourceId);
    const options = sources.map(({id, name}) => [id, name]);
    if (!there)
        options.unshift([chosen.sourceId, chosen.name]);
    const one = choice({label: t("stats.source"), value: chosen.sourceId, options});
    one.input.addEventListener("change", () => go("statistics", one.value));
    return one.element;
}

export async function statisticsView(place, {parts}) {
    const {items} = await sourcePage("", LISTED);
    const id = parts[1] ?? items[0]?.id;
    if (id === undefined) {
        fill(place, h("h1", {}, t("nav.statistics")),
             h("div", {class: "panel empty"}, icon("statistics"), h("h2", {}, t("sources.empty")),
               h("p", {}, t("sources.empty.hint"))));
        return undefined;
    }
    const path = `/ingestion-sources/${encodeURIComponent(id)}/stats`;
    const shown = h("div", {class: "stack"});
    let stats = await get(path);
    fill(shown, plots(stats));
    fill(place, h("div", {class: "view-head"}, h("h1", {}, t("stats.title", {name: stats.name})),
                  chooser(items, stats)), shown);

    const refresh = seldom(REFRESH_MS, async () => {
        try {
            const now = await get(path);
            const same = now.totalEmails === stats.totalEmails;
            stats = now;
            if (!same && !shown.contains(document.activeElement))
                fill(shown, plots(stats));
        } catch (problem) {
            tellProblem(problem);
        }
    });
    const deaf = listen({source: (source) => {
        if (source.id === stats.sourceId)
            refresh.call();
    }});
    return () => {
        refresh.end();
        deaf();
    };
}
