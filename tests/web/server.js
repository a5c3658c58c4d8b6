// SPDX-License-Identifier: GPL-2.0-or-later
// The server with 64 virtual functions: they are seen below their card, and their number is changed.
"use strict";
const { logIn, look, walk } = require("./browser");

walk(async ({ page, faults }) => {
    await logIn(page);
    await page.getByText("IOMMU group 16").waitFor();
    await look(page, faults, "devices");
    await page.getByLabel("Order").selectOption("place");
    const bus = page.locator("details.group", { hasText: "Bus 0000:3b" });
    await bus.locator("summary").click();
    await bus.getByRole("link", { name: "0000:3b:0d.7" }).waitFor();
    await look(page, faults, "places");
    await bus.getByRole("link", { name: "0000:3b:00.0" }).click();
    await page.getByText("32 of 64").or(page.getByText(/32 of \d+/)).first().waitFor();
    await page.getByText("Show 32 virtual functions").click();
    await page.getByRole("link", { name: "0000:3b:02.0" }).waitFor();
    await look(page, faults, "device");
    await page.getByRole("button", { name: "Change the number…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("How many").fill("8");
    await look(page, faults, "change");
    await dialog.getByRole("button", { name: "Change", exact: true }).click();
    await dialog.locator(".chip", { hasText: /Done|Failed/ }).waitFor();
    await look(page, faults, "changed");
    await dialog.getByRole("button", { name: "Close" }).click();
});
