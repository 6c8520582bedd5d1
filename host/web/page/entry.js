// SPDX-License-Identifier: Apache-2.0
// entry.js - one entry: who wrote what, its attachments, the message as it came; and working it off.
//
// Nothing of a message becomes part of this page: texts are text, its HTML is fetched by a frame that
// may run nothing, load nothing and knows nothing of us (what the server sends with it says so again),
// files are downloads.
import {askText} from "./dialog.js";
import {explain, tell, tellProblem} from "./announce.js";
import {get, getBytes, post, url} from "./api.js";
import {entryBadge} from "./badge.js";
import {fill, h, keepFocus} from "./dom.js";
import {icon} from "./icons.js";
import {listen} from "./live.js";
import {address} from "./router.js";
import {seldom} from "./seldom.js";
import {may} from "./session.js";
import {tabs} from "./tabs.js";
import {foreign, size, t, time} from "./text.js";

const SOURCE_SHOWN = 65536; // bytes of the raw message
const REFRESH_MS = 1000;    // after counts have changed, at most that often

// Whether the message was downloaded: one that is too large never was.
const isKept = (entry) => Boolean(entry.raw?.sha256);

const path = (entry, ...more) => ["/entries", entry.id, ...more].join("/");

/* ---- What it is ------------------------------------------------------------------------------ */

function facts(entry) {
    const {origin} = entry;
    const list = [["from", entry.sender], ["to", entry.recipient], ["cc", entry.cc],
                  ["bcc", entry.bcc], ["sent", entry.date_sent && time(entry.date_sent)],
                  ["received", entry.date_received && time(entry.date_received)],
                  ["source", [entry.source, origin.mailbox].filter(Boolean).join(" · ")],
                  ["queue", entry.queue],
                  ["attempts", entry.attempts > 0 ? String(entry.attempts) : null]];
    return h("dl", {class: "facts"}, list.filter(([, value]) => value)
        .map(([name, value]) => [h("dt", {}, t(`entry.${name}`)), h("dd", {}, value)]));
}

function reasons(entry) {
    return [entry.error !== null && h("p", {class: "problem"}, icon("warning"),
                                      h("span", {}, foreign(entry.error))),
            entry.problems.length > 0 &&
                h("details", {class: "problems"},
                  h("summary", {}, t("entry.problems", {count: entry.problems.length})),
                  h("ul", {}, entry.problems.map((text) => h("li", {}, foreign(text)))))];
}

function attachment(entry, {ordinal, filename, content_type: type, size: bytes, sha256}) {
    return h("li", {}, icon("file"),
             h("div", {class: "file"},
               h("a", {href: url(path(entry, "attachments", ordinal)), download: filename ?? "",
                       title: sha256}, filename ?? t("entry.noname")),
               h("span", {class: "sub"}, [type, size(bytes)].filter(Boolean).join(" · "))));
}

function attachments(entry) {
    if (entry.attachments.length === 0)
        return null;
    return h("section", {class: "panel panel-padded"},
             h("h2", {}, icon("clip"), t("entry.attachments", {count: entry.attachments.length})),
             h("ul", {class: "files"}, entry.attachments.map((one) => attachment(entry, one))));
}

/* ---- The message ----------------------------------------------------------------------------- */

function frame(entry) {
    return h("iframe", {class: "mail-frame", sandbox: "", referrerpolicy: "no-referrer",
                        title: t("entry.html.title"), src: url(path(entry, "html"))});
}

async function source(panel, entry) {
    const bytes = await getBytes(path(entry, "raw"), `0-${SOURCE_SHOWN - 1}`);
    const text = new TextDecoder("windows-1252").decode(bytes);
    fill(panel, entry.raw.size > SOURCE_SHOWN &&
                h("p", {class: "hint"}, t("entry.source.cut", {size: size(SOURCE_SHOWN)})),
         h("pre", {class: "mail-text mono", tabindex: 0}, text));
}

function message(entry) {
    const text = {text: t("entry.text"), show: (panel) => fill(panel, entry.message_body === null
        ? h("p", {class: "hint"}, t("entry.notext"))
        : h("pre", {class: "mail-text"}, entry.message_body))};
    const html = entry.html !== null &&
        {text: t("entry.html"), show: (panel) => fill(
            panel, h("p", {class: "hint"}, t("entry.html.hint")), frame(entry))};
    const raw = isKept(entry) &&
        {text: t("entry.raw"), show: (panel) => source(panel, entry).catch((problem) => fill(
            panel, h("p", {class: "problem"}, icon("warning"),
                     h("span", {}, ...explain(problem)))))};
    return h("section", {class: "panel panel-padded", "aria-label": t("entry.message")},
             tabs(t("entry.message"), [text, html, raw]));
}

/* ---- Working it off -------------------------------------------------------------------------- */

async function act(entry, verb, body, shown) {
    try {
        shown(await post(path(entry, verb), body));
        tell(t(`entry.${verb}.told`));
    } catch (problem) {
        tellProblem(problem);
    }
}

async function fail(entry, shown) {
    const why = await askText({title: t("entry.fail.title"), label: t("entry.fail.why"),
                               button: t("entry.fail")});
    if (why !== null)
        await act(entry, "fail", {why, fence: entry.fence}, shown);
}

function buttons(entry, shown) {
    const held = entry.state === "taken" && may("operator");
    const again = (entry.state === "failed" || entry.state === "bad") && may("operator");
    return h("div", {class: "actions"},
             held && h("button", {class: "primary", type: "button", onclick: () =>
                 act(entry, "done", {fence: entry.fence}, shown)}, icon("check"), t("entry.done")),
             held && h("button", {type: "button", onclick: () => fail(entry, shown)},
                       icon("cross"), t("entry.fail")),
             again && h("button", {class: "primary", type: "button", onclick: () =>
                 act(entry, "retry", {}, shown)}, icon("retry"), t("entry.retry")),
             isKept(entry) && h("a", {class: "button", href: url(path(entry, "raw")),
                                           download: `${entry.id}.eml`},
                                      icon("download"), t("entry.download")));
}

/* ---- The view -------------------------------------------------------------------------------- */

export async function entryView(place, {parts}) {
    const id = parts[1];
    let entry = await get(`/entries/${encodeURIComponent(id)}`);
    const state = h("div", {class: "status-line"});
    const actions = h("div");
    const why = h("div", {class: "stack"});

    function show(now) {
        entry = now;
        fill(state, entryBadge(entry.state), h("span", {class: "sub mono"}, entry.id));
        keepFocus(actions, () => fill(actions, buttons(entry, show)));
        fill(why, reasons(entry));
    }
    show(entry);
    fill(place,
         h("div", {class: "view-head"},
           h("div", {class: "head-title"},
             h("a", {class: "back", href: address("queue")}, icon("back"), t("queue.title")),
             h("h1", {class: "entry-subject"}, entry.subject || t("entry.nosubject")), state),
           actions), why, h("section", {class: "panel panel-padded"}, facts(entry)),
         message(entry), attachments(entry));
    const refresh = seldom(REFRESH_MS, async () => {
        try {
            const now = await get(`/entries/${encodeURIComponent(id)}`);
            if (now.state !== entry.state || now.error !== entry.error)
                show(now);
        } catch {
            // gone, or the server is away: what is shown stays
        }
    });
    const deaf = listen({counts: refresh.call, reset: refresh.call});
    return () => {
        refresh.end();
        deaf();
    };
}
