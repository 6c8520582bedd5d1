// SPDX-License-Identifier: Apache-2.0
// icons.js - the drawings of the page. They say nothing that a text beside them does not say.
import {svg} from "./dom.js";

const PATHS = {
    sources: "M3 7l9 6 9-6M3 6h18v12H3z",
    queue: "M4 6h16M4 12h16M4 18h10",
    statistics: "M4 20V10M10 20V4M16 20v-7M21 20H3",
    account: "M12 12a4 4 0 100-8 4 4 0 000 8zM4 21c1-4 4.500-6 8-6s7 2 8 6",
    plus: "M12 5v14M5 12h14",
    more: "M12 5v.01M12 12v.01M12 19v.01",
    sync: "M20 11a8 8 0 00-14.500-3.500L4 9M4 5v4h4M4 13a8 8 0 0014.500 3.500L20 15M20 19v-4h-4",
    pause: "M8 5v14M16 5v14",
    resume: "M7 5l12 7-12 7z",
    edit: "M4 20l4-1L19 8l-3-3L5 16zM14 7l3 3",
    remove: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
    back: "M15 5l-7 7 7 7",
    search: "M11 18a7 7 0 100-14 7 7 0 000 14zM16.500 16.500L21 21",
    download: "M12 4v11M7 11l5 5 5-5M4 20h16",
    file: "M6 3h8l4 4v14H6zM14 3v4h4",
    check: "M5 12.500l4.500 4.500L19 7",
    cross: "M6 6l12 12M18 6L6 18",
    warning: "M12 4l9 16H3zM12 10v4M12 17v.01",
    retry: "M4 12a8 8 0 108-8 8 8 0 00-6 2.700L4 9M4 4v5h5",
    signout: "M10 4H5v16h5M15 8l4 4-4 4M19 12H9",
    import: "M12 3v10M8 9l4 4 4-4M4 15v5h16v-5",
    clip: "M19 11l-7.500 7.500a4.500 4.500 0 01-6.400-6.400L13 4.500a3 3 0 014.300 4.300L9.800 16.200a1.500 1.500 0 01-2.100-2.100L14 8",
};

export function icon(name) {
    return svg("svg", {class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true",
                       focusable: "false"},
               svg("path", {d: PATHS[name]}));
}

// logo - the mark of the product.
export function logo() {
    return svg("svg", {class: "logo", viewBox: "0 0 32 32", "aria-hidden": "true",
                       focusable: "false"},
               svg("rect", {class: "logo-ground", width: 32, height: 32, rx: 8}),
               svg("path", {class: "logo-lid", d: "M7 9.500h18v4.200L16 19 7 13.700z"}),
               svg("path", {class: "logo-box", d: "M7 16.600l9 5.300 9-5.300v6.900H7z"}));
}
