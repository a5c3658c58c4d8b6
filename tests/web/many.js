// SPDX-License-Identifier: GPL-2.0-or-later
// 4,096 devices: the first of them are seen soon, and any of them is found.
"use strict";
const { logIn, look, walk } = require("./browser");

const MOST_SCRIPT_MILLISECONDS = 10_000; // generous, for a busy machine: what it takes is printed

walk(async ({ page, faults }) => {
    await page.addInitScript(() => {
        new MutationObserver((_, observer) => {
            if (document.querySelector("details.group") === null)
                return;
            observer.disconnect();
            requestAnimationFrame(() => setTimeout(() => { globalThis.seen = performance.now(); })); // after it is painted
        }).observe(document, { childList: true, subtree: true });
    });
    await logIn(page);
    await page.locator("details.group").first().waitFor();
    await page.reload();
    await page.waitForFunction(() => globalThis.seen !== undefined);
    const took = await page.evaluate(() => {
        const reply = performance.getEntriesByType("resource").find((entry) => entry.name.includes("/hardware/pci?"));
        return { reply: Math.round(reply.duration), script: Math.round(globalThis.seen - reply.responseEnd) };
    });
    console.error(`4,096 devices: reply in ${took.reply} ms, first view ${took.script} ms after it`);
    if (took.script > MOST_SCRIPT_MILLISECONDS)
        faults.push(`the first view took ${took.script} ms`);
    await page.getByRole("searchbox").fill("40:08.5");
    await page.getByRole("link", { name: "0000:40:08.5" }).waitFor();
    await look(page, faults, "found");
    await page.getByRole("searchbox").fill("no such device");
    await page.getByText("No device matches.").waitFor();
    await look(page, faults, "none");
});
