// SPDX-License-Identifier: Apache-2.0
// router.js - which view an address stands for. Addresses live behind #, so that one file is the page:
//
//     #/sources   #/sources/new   #/sources/ID/edit   #/statistics/ID   #/queue?state=bad   #/queue/ID

// What stands between two slashes; as it is where it is no encoded text: the view says that there is
// nothing of that name.
function decoded(part) {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}

// route - {parts: ["sources", "new"], query: URLSearchParams}
export function route() {
    const [path, query] = location.hash.replace(/^#\/?/, "").split("?", 2);
    return {parts: path.split("/").filter((part) => part !== "").map(decoded),
            query: new URLSearchParams(query ?? "")};
}

export function address(...parts) {
    return "#/" + parts.map(encodeURIComponent).join("/");
}

export function go(...parts) {
    location.hash = address(...parts);
}

// replaceQuery - the address tells what is shown, without a step in the browser's history.
export function replaceQuery(values) {
    const [path] = location.hash.split("?", 1);
    const given = Object.entries(values).filter(([, value]) => value !== "");
    const query = given.length === 0 ? "" : "?" + new URLSearchParams(given);
    history.replaceState(null, "", path + query);
}
