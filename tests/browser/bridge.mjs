// SPDX-License-Identifier: Apache-2.0
// bridge.mjs - one Chromium for a test in another language: a line of JSON in, a line out.
//
//     {"code": "...", "args": {...}}     the body of an async function (args, world)
//     {"value": ...} or {"error": "..."}
//
// node bridge.mjs FOLDER-WITH-node_modules CHROMIUM
import {createRequire} from "node:module";
import {createInterface} from "node:readline";
import {pathToFileURL} from "node:url";

const [folder, executablePath] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${folder}/`));
const {chromium} = require("playwright-core");
const AsyncFunction = (async () => {}).constructor;

const browser = await chromium.launch({
    executablePath, chromiumSandbox: false, // the tests may run as root
    // A sandboxed frame may do the same in a process of its own or not, and many take three times as
    // long there.
    args: ["--disable-features=IsolateSandboxedIframes", "--disable-gpu",
           "--disable-dev-shm-usage", "--no-first-run", "--force-color-profile=srgb",
           "--font-render-hinting=none"]});

// What pages have done, and the present one.
const world = {browser, axe: require.resolve("axe-core"), context: null, page: null, requests: [],
               faults: [], dialogs: 0};

world.fresh = async (options) => {
    await world.context?.close();
    Object.assign(world, {requests: [], faults: [], dialogs: 0});
    world.context = await browser.newContext(options);
    world.context.setDefaultTimeout(30000);
    // What left the page: a request that a policy stopped did not.
    world.context.on("requestfinished", (request) => world.requests.push(request.url()));
    world.context.on("requestfailed", (request) => {
        if (!/csp|blocked/i.test(request.failure().errorText))
            world.requests.push(request.url());
    });
    world.context.on("page", (page) => {
        page.on("dialog", (dialog) => {
            world.dialogs += 1;
            dialog.dismiss().catch(() => {}); // it went with its page
        });
        page.on("pageerror", (error) => world.faults.push(`${error.name}: ${error.message}`));
        page.on("console", (line) => line.type() === "error" && world.faults.push(line.text()));
    });
    world.page = await world.context.newPage();
};

for await (const line of createInterface({input: process.stdin})) {
    const {code, args} = JSON.parse(line);
    let answer;
    try {
        const value = await new AsyncFunction("args", "world", code)(args, world);
        answer = {value: value ?? null};
    } catch (error) {
        answer = {error: String(error.stack ?? error)};
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
}
await browser.close();
