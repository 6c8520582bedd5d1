// SPDX-License-Identifier: Apache-2.0
// views.js - the first word of an address, and its view.
import {accountView} from "./account.js";
import {entryView} from "./entry.js";
import {queueView} from "./queue.js";
import {sourceFormView} from "./source-form.js";
import {sourcesView} from "./sources.js";
import {statisticsView} from "./statistics.js";

export const views = {
    sources: (place, at) => at.parts.length > 1 ? sourceFormView(place, at) : sourcesView(place, at),
    queue: (place, at) => at.parts.length > 1 ? entryView(place, at) : queueView(place, at),
    statistics: statisticsView,
    account: accountView,
};
