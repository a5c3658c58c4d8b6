// SPDX-License-Identifier: GPL-2.0-or-later
// Whether this host is ready for passthrough: a checklist from the bare host on.
import { get } from "/app/call.js";
import { runAction } from "/app/change.js";
import { facts, h, isNew } from "/app/dom.js";
import { onChanges } from "/app/live.js";
import { checks, count, failure, notice } from "/app/parts.js";
import { link } from "/app/route.js";

// Each step: whether it is done (null: a step before it is not), what it means, what to do while it is not.
function steps(iommu, settings, devices) {
    const real = devices.filter((device) => !device.class.startsWith("0x06"));
    const usable = real.filter((device) => device.verdict !== "blocked");
    const errors = iommu.checks.filter((check) => check.severity === "error");
    return [
        [Boolean(iommu.enabled), "The IOMMU is on", iommu.enabled
            ? `The kernel uses it${iommu.driver ? ` (${iommu.driver})` : ""}, with ${count(iommu.groups, "group")} of devices.`
            : "Without it a virtual machine's device could read and write all of the host's memory. The checks below say how to switch it on."],
        [iommu.enabled ? Boolean(iommu["interrupt-remapping"]) : null, "Interrupts are remapped",
            "So that a device cannot send the host interrupts that are not its own."],
        [!settings["reboot-needed"], "The settings are in effect", settings["reboot-needed"]
            ? `The host must be started again: ${settings.reasons.join(" ")}` : "The running kernel has what the files say."],
        [iommu.enabled ? errors.length === 0 : null, "No check finds an error", errors.length === 0
            ? "Warnings and notes are below." : `${count(errors.length, "check")} must be resolved: see below.`],
        [iommu.enabled ? usable.length > 0 : null, "There are devices to pass through", usable.length > 0
            ? h("span", {}, `${usable.length} of ${count(real.length, "device")}: `, h("a", { href: link("devices") }, "choose one"), ".") : "None can be passed through yet."],
    ];
}

function step([done, title, text], i) {
    const [tone, word] = done === null ? ["note", "Later"] : done ? ["good", "Done"] : ["stop", "To do"];
    return h("li", { class: "step" }, h("span", { class: "number", "aria-hidden": "true" }, String(i + 1)),
        h("div", { class: "grow" }, h("p", { class: "strong" }, title), h("p", { class: "soft" }, text)), h("span", { class: `chip ${tone}` }, word));
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function settingsCard(settings) {
    const yes = (value) => value === undefined ? undefined : value ? "yes" : "no";
    return h("section", { class: "card" }, h("h2", {}, "Settings that the boot reads"),
        settings.problems.map((problem) => notice("soon", h("p", {}, `${sentence(problem)}.`))),
        facts([
            ["Command line", h("span", { class: "mono wrap" }, settings.kernel.map((one) => typeof one === "string" ? one : [one.name, one.value].filter((part) => part !== undefined).join("=")).join(" ") || "nothing about passthrough")],
            ["Devices for vfio-pci", settings.ids ?? "none"],
            ["Modules at boot", settings.modules],
            ["Not loaded", settings.blacklist],
            ["vfio-pci is loaded before", settings.softdep],
            ["Unsafe interrupts", yes(settings["allow-unsafe-interrupts"])],
        ]));
}

export function showHost(main) {
    const content = h("div", { class: "stack" }, h("p", { class: "soft" }, "Looking at the host…"));
    async function load() {
        try {
            const [iommu, settings, devices] = await Promise.all([get("/nodes/localhost/hardware/iommu"),
                get("/nodes/localhost/hardware/vfio"), get("/nodes/localhost/hardware/pci", { "pci-class-blacklist": "", verdict: 1 })]);
            if (!isNew(content, iommu, settings, devices))
                return;
            const list = steps(iommu, settings, devices), open = list.filter(([done]) => !done).length;
            content.replaceChildren(
                open === 0 ? notice("good", h("p", { class: "strong" }, "This host is ready for PCI passthrough."))
                    : notice("soon", h("p", { class: "strong" }, `${count(open, "step")} to go until this host is ready.`)),
                h("section", { class: "card" }, h("ol", { class: "steps" }, list.map(step))),
                h("section", { class: "card" }, h("h2", {}, "Checks"), checks(iommu.checks, (action) => runAction(action, "Do what the check recommends?", null, load))),
                settingsCard(settings));
        } catch (error) {
            if (isNew(content, error.message))
                content.replaceChildren(failure(error));
        }
    }
    main.append(h("h1", {}, "This host"), content);
    load();
    return onChanges(["device", "task"], load, 500);
}
