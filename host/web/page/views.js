// SPDX-License-Identifier: Apache-2.0
// views.js - the first word of an address, and its view.
import {sourcesView} from "./sources.js";

export const views = {
    sources: sourcesView,
};
