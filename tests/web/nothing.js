// SPDX-License-Identifier: GPL-2.0-or-later
// A host where nothing is set up: the page says what is missing, in which order, and what to type.
"use strict";
const { url, look, walk } = require("./browser");

walk(async ({ page, faults }) => {
    await page.goto(`${url}/`);
    await page.getByText("Use an API token instead").click();
    await page.getByLabel("API token").fill(process.env.TOKEN);
    await look(page, faults, "token");
    await page.getByRole("button", { name: "Use this token" }).click();
    await page.getByText("The IOMMU is off").waitFor();
    await look(page, faults, "devices");
    await page.getByRole("link", { name: "See what this host needs" }).click();
    await page.getByText("until this host is ready").waitFor();
    await page.locator(".step", { hasText: "The IOMMU is on" }).getByText("To do").waitFor();
    await look(page, faults, "host");
    await page.getByRole("button", { name: "Copy" }).first().click();
    await page.getByText("Copied").first().waitFor();
    if (await page.evaluate(() => navigator.clipboard.readText()) === "")
        faults.push("nothing was copied");
    await page.getByRole("link", { name: "Devices", exact: true }).click();
    await page.getByRole("link", { name: "0000:01:00.0" }).click();
    await page.locator(".card.verdict.blocked").waitFor();
    await look(page, faults, "device");
});
