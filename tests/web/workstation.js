// SPDX-License-Identifier: GPL-2.0-or-later
// The workstation: log in, see why a graphics card is not free yet, detach it, see the log, give it back.
"use strict";
const { url, user, password, look, walk, expectFault } = require("./browser");

async function enter(page, faults) {
    await page.goto(`${url}/`);
    await look(page, faults, "login");
    await page.getByLabel("User", { exact: true }).fill(user);
    await page.getByLabel("Password").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText("Name or password is wrong.").waitFor();
    expectFault(faults, /401/);
    await page.getByLabel("Password").fill(password);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { level: 1, name: "Devices" }).waitFor();
    await page.getByText("GA104 [GeForce RTX 3070]").first().waitFor();
    if (await page.evaluate(() => document.cookie) !== "")
        faults.push("the page's scripts can read the cookie");
    await look(page, faults, "devices");
    await page.reload(); // the cookie is enough
    await page.getByText("GA104 [GeForce RTX 3070]").first().waitFor();
}

async function findDevice(page) {
    await page.getByRole("searchbox").fill("geforce");
    await page.getByRole("link", { name: "0000:02:00.0" }).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "0000:01:00.0" }).click();
    await page.getByRole("heading", { level: 1, name: /GeForce/ }).waitFor();
}

async function detachAndGiveBack(page, faults) {
    await look(page, faults, "device");
    await page.getByRole("button", { name: "Detach from the host…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("The host loses 2 functions:").waitFor();
    await dialog.getByText("the firmware started with this display").waitFor();
    await look(page, faults, "detach");
    await dialog.getByRole("button", { name: "Detach", exact: true }).click();
    await dialog.getByText("Done").waitFor();
    await dialog.getByText("0000:01:00.0: has vfio-pci, had nouveau").waitFor();
    await look(page, faults, "detached");
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByText("The host's own drivers for it would be: nouveau").waitFor();
    await page.getByRole("button", { name: "Give back to the host…" }).click();
    await dialog.getByText("with the driver nouveau").waitFor();
    await look(page, faults, "give-back");
    await dialog.getByRole("button", { name: "Give back", exact: true }).click();
    await dialog.getByText("Done").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByText("The driver nouveau is bound to it").waitFor();
}

// A mapping in two clicks, from the device that it is of.
async function nameIt(page, faults) {
    await page.getByRole("button", { name: "Make a mapping" }).click();
    await page.getByRole("link", { name: "gpu", exact: true }).click();
    await page.getByRole("heading", { level: 1, name: "Mappings" }).waitFor();
    await page.getByText("1 of 1 free").waitFor();
    await look(page, faults, "mapping");
    await page.getByRole("link", { name: "Mappings", exact: true }).click();
    await page.getByRole("button", { name: "Make a mapping…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Device").selectOption("0000:02:00.0");
    await dialog.getByLabel("Name").fill("disk");
    await look(page, faults, "new-mapping");
    await dialog.getByRole("button", { name: "Make it" }).click();
    await page.getByRole("link", { name: "disk", exact: true }).waitFor();
    await page.locator(".mapping", { hasText: "disk" }).getByRole("button", { name: "Delete…" }).click();
    await dialog.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("link", { name: "disk", exact: true }).waitFor({ state: "detached" });
}

async function makeVm(page, faults) {
    await page.getByRole("link", { name: "VMs", exact: true }).click();
    await page.getByText("There is no virtual machine yet.").waitFor();
    await page.getByRole("button", { name: "Make a virtual machine…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByLabel("Name").fill("desk");
    await dialog.getByLabel("PCI device").selectOption("gpu");
    await look(page, faults, "new-vm");
    await dialog.getByRole("button", { name: "Make it" }).click();
    await dialog.getByText("Done").waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await page.getByRole("link", { name: "100", exact: true }).click();
    await page.getByRole("heading", { name: "If it starts now" }).waitFor();
    await page.getByText("The host loses 0000:01:00.0 (nouveau)").first().waitFor();
    await look(page, faults, "vm");
    await page.getByRole("button", { name: "Remove hostpci0" }).click();
    await page.getByRole("button", { name: "Remove hostpci0" }).waitFor({ state: "detached" });
    await page.getByRole("button", { name: "Add a device…" }).click();
    await dialog.getByLabel("Device").selectOption("mapping=gpu");
    await dialog.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("button", { name: "Remove hostpci0" }).waitFor();
}

async function seeHost(page, faults) {
    await page.getByRole("link", { name: "Host", exact: true }).click();
    await page.getByText("The IOMMU is on", { exact: true }).waitFor();
    await look(page, faults, "host");
}

async function seeTasks(page, faults) {
    await page.getByRole("link", { name: "Tasks", exact: true }).click();
    await page.getByRole("link", { name: /Driver of 0000:01:00.0/ }).first().waitFor();
    await look(page, faults, "tasks");
    await page.getByRole("link", { name: /Driver of 0000:01:00.0/ }).first().click();
    await page.getByText("0000:01:00.0: has nouveau, had vfio-pci").waitFor();
    await look(page, faults, "task");
}

async function loseSession(page, context, faults) {
    await context.clearCookies();
    await page.getByRole("link", { name: "Mappings", exact: true }).click();
    await page.getByText("Please log in again").waitFor();
    for (let i = 0; i < 5; i++)
        expectFault(faults, /401/);
    await page.getByLabel("Password").fill(password);
    await page.keyboard.press("Enter");
    await page.getByText("1 of 1 free").first().waitFor(); // the last call has its answer
}

walk(async ({ page, context, faults }) => {
    await enter(page, faults);
    await findDevice(page);
    await detachAndGiveBack(page, faults);
    await nameIt(page, faults);
    await makeVm(page, faults);
    await seeHost(page, faults);
    await seeTasks(page, faults);
    await loseSession(page, context, faults);
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("button", { name: "Log in" }).waitFor();
});
