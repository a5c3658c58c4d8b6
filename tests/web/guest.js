// SPDX-License-Identifier: GPL-2.0-or-later
// A virtual machine that really runs: it is started, its screen is seen, it is stopped.
"use strict";
const { existsSync } = require("fs");
const { url, logIn, look, walk } = require("./browser");

walk(async ({ page, faults }) => {
    await logIn(page);
    await page.goto(`${url}/#/vms/100`);
    await page.getByRole("button", { name: "Start…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByRole("button", { name: "Start", exact: true }).click();
    await dialog.locator(".chip", { hasText: /Done/ }).waitFor();
    await look(page, faults, "started");
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByText("Running").first().waitFor();
    await look(page, faults, "running");
    await page.getByRole("link", { name: "Open its screen" }).click();
    if (existsSync("/usr/share/novnc/core/rfb.js")) {
        await page.getByText("Connected.").waitFor();
        await page.locator(".screen canvas").waitFor();
    } else {
        await page.getByText("apt install novnc").waitFor();
        faults.splice(0);
    }
    await look(page, faults, "screen");
    await page.getByRole("link", { name: "100", exact: true }).click();
    await page.getByRole("button", { name: "Stop…" }).click();
    await dialog.getByRole("button", { name: "Stop", exact: true }).click();
    await dialog.locator(".chip", { hasText: /Done/ }).waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByRole("button", { name: "Start…" }).waitFor();
});
