// SPDX-License-Identifier: GPL-2.0-or-later
// A browser on the page, which notes what a person would not see: errors of the console, requests that were refused,
// what axe-core finds. Playwright and axe-core are found in $NODE_PATH.
"use strict";
const { mkdirSync } = require("fs");
const { chromium } = require("playwright-core");

const { URL: url, USER: user, PASSWORD: password, SHOTS: shots, CHROMIUM: chromiumPath, SCENARIO: scenario } = process.env;
const WIDTHS = [400, 1440];
const LOOK = Number(process.env.LOOK_MILLISECONDS ?? 60_000); // how long a state is waited for, on a busy machine

async function open(colorScheme = "light") {
    const browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
    const context = await browser.newContext({ ignoreHTTPSErrors: true, colorScheme, viewport: { width: 1440, height: 900 }, permissions: ["clipboard-read", "clipboard-write"] });
    context.setDefaultTimeout(LOOK);
    const page = await context.newPage();
    const faults = [];
    page.on("console", (message) => { if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()} ${message.location().url}`); });
    page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
    page.on("request", (request) => { if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) faults.push(`request elsewhere: ${request.url()}`); });
    return { browser, context, page, faults };
}

// What was forbidden on purpose, such as a wrong password, is no fault.
function expectFault(faults, pattern) {
    const at = faults.findIndex((fault) => pattern.test(fault));
    if (at >= 0)
        faults.splice(at, 1);
}

async function logIn(page) {
    await page.goto(`${url}/`);
    await page.getByLabel("User", { exact: true }).fill(user);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { level: 1, name: "Devices" }).waitFor();
}

async function audit(page, name) {
    await page.evaluate(require("axe-core").source).catch(() => {});
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    return violations.filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => `${name}: axe: ${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(" | ")}`);
}

// The page as it is now: pictures at both widths, nothing that has to be scrolled sideways, nothing serious by axe-core.
async function look(page, faults, name) {
    mkdirSync(shots, { recursive: true });
    for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        if (wide > 0)
            faults.push(`${name}: ${wide} px too wide at ${width} px: ${await page.evaluate(() => [...document.querySelectorAll("main *")]
                .filter((node) => node.getBoundingClientRect().right > document.documentElement.clientWidth).slice(0, 3).map((node) => node.outerHTML.slice(0, 120)).join(" | "))}`);
        await page.screenshot({ path: `${shots}/${scenario}-${name}-${width}.png`, fullPage: true });
    }
    faults.push(...await audit(page, name));
}

// Runs the walk; its faults are the result.
async function walk(steps) {
    const opened = await open(process.env.SCHEME);
    try {
        await steps(opened);
    } catch (error) {
        opened.faults.push(error.stack);
        mkdirSync(shots, { recursive: true });
        await opened.page.screenshot({ path: `${shots}/${scenario}-failed.png`, fullPage: true }).catch(() => {});
    }
    await opened.browser.close();
    for (const fault of opened.faults)
        console.log(fault);
    process.exitCode = opened.faults.length > 0 ? 1 : 0;
}

module.exports = { url, user, password, logIn, look, walk, expectFault };
