// SPDX-License-Identifier: GPL-2.0-or-later
// A graphics processor that can be divided: a mediated device is created and removed.
"use strict";
const { logIn, look, walk } = require("./browser");

walk(async ({ page, faults }) => {
    await logIn(page);
    await page.getByText("can be divided").first().waitFor();
    await page.locator(".device", { hasText: "can be divided" }).getByRole("link").first().click();
    await page.getByRole("heading", { name: "Mediated devices" }).waitFor();
    await look(page, faults, "device");
    const removals = page.getByRole("button", { name: "Remove…" });
    await removals.first().waitFor();
    const before = await removals.count();
    const dialog = page.getByRole("dialog");
    await page.locator("button:enabled", { hasText: "Create…" }).first().click();
    await look(page, faults, "create");
    await dialog.getByRole("button", { name: "Do it" }).click();
    await dialog.getByText("Done").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await removals.nth(before).waitFor();
    await removals.nth(before).click();
    await dialog.getByRole("button", { name: "Do it" }).click();
    await dialog.getByText("Done").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await removals.nth(before).waitFor({ state: "detached" });
    await look(page, faults, "after");
});
