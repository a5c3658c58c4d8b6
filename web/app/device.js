// SPDX-License-Identifier: GPL-2.0-or-later
// One device: whether it can be passed through, why not, what to do, who uses it, and what it is.
import { call, get, path } from "/app/call.js";
import { partsCards, readParts } from "/app/divide.js";
import { facts, h, isNew, table } from "/app/dom.js";
import { kindOf } from "/app/devices.js";
import { detach, giveBack, runAction } from "/app/change.js";
import { onChanges } from "/app/live.js";
import { bytes, busy, button, checks, deviceLink, deviceName, failure, field, notice, verdict, when } from "/app/parts.js";
import { link } from "/app/route.js";

const base = (id) => path`/nodes/localhost/hardware/pci/${id}`;
const isVfio = (driver) => /vfio/.test(driver ?? "");

function usedBy(device) {
    const vm = device["used-by"];
    if (vm === undefined)
        return null;
    const words = { starting: "is starting with it", running: "has it now", configured: "is configured to get it" };
    return h("span", {}, h("a", { href: link("vms", vm.vmid) }, `VM ${vm.vmid}`), ` ${words[vm.state]} (${vm.key})`);
}

function nextStep(device) {
    const vm = device["used-by"];
    if (vm && vm.state !== "configured")
        return `Virtual machine ${vm.vmid} has it. It comes back to the host when that ends.`;
    if (device.verdict === "blocked")
        return "See below what stands in the way, and what to do about it.";
    if (device.mappings.length === 0 && vm === undefined)
        return "Give it a name (a mapping), so that virtual machines can ask for it.";
    return device.verdict === "ready" ? "A virtual machine that starts now can have it." : "Start the virtual machine: it is detached then. Or detach it now.";
}

function verdictCard(device, reload) {
    const bridge = device.class.startsWith("0x06");
    const taken = isVfio(device.driver) || device.state?.["previous-driver"] !== undefined;
    const withBroker = device.state !== undefined;
    return h("section", { class: `card verdict ${device.verdict}` },
        h("p", { class: "row" }, verdict(device.verdict), h("span", { class: "strong grow" }, device.summary)),
        !bridge && h("p", {}, nextStep(device)),
        device.state?.task && notice("soon", h("p", {}, "A task works on it: ", h("a", { href: link("tasks", device.state.task) }, "see its log"), ".")),
        device.state?.waiting && notice("stop", h("p", {}, `The kernel has not finished, since ${when(device.state.waiting.since)}: ${device.state.waiting.step}`)),
        !withBroker && notice("soon", h("p", {}, "No broker answers, so nothing can be changed here. On the host: ", h("code", {}, "systemctl start hostpci-broker"), ".")),
        !bridge && withBroker && h("p", { class: "row" },
            !isVfio(device.driver) && button("Detach from the host…", () => detach(device, reload), { class: device.verdict === "blocked" ? "quiet" : "" }),
            taken && button("Give back to the host…", () => giveBack(device, reload), { class: "quiet" }),
            device["reset-methods"].length > 0 && button("Reset…", () => runAction(
                { method: "POST", path: `${base(device.id)}/reset`, parameters: {} }, `Reset ${device.id}`,
                h("p", {}, "Everything that the device holds is lost. Whoever uses it will notice."), reload), { class: "quiet" })));
}

function mappingCard(device, reload) {
    const form = h("form", { class: "row", onsubmit: (event) => {
        event.preventDefault();
        busy(form, async () => {
            await call("POST", `${base(device.id)}/map`, { mapping: name.value });
            reload();
        });
    } });
    const name = h("input", { required: true, pattern: "[A-Za-z][A-Za-z0-9_\\-]+", maxlength: 128, autocomplete: "off", spellcheck: "false",
        value: device.mappings.length === 0 ? suggestName(device) : "" });
    form.append(field("Name", name), h("button", { type: "submit" }, device.mappings.length === 0 ? "Make a mapping" : "Add to a mapping"));
    return h("section", { class: "card" }, h("h2", {}, "Mappings"),
        device.mappings.length > 0
            ? h("ul", { class: "plain" }, device.mappings.map((mapping) => h("li", {}, h("a", { href: link("mappings", mapping.id ?? mapping) }, mapping.id ?? mapping))))
            : h("p", { class: "soft" }, "A mapping is the name by which virtual machines ask for a device, or for one of several alike."),
        form);
}

function suggestName(device) {
    const words = { "Display": "gpu", "Network": "nic", "Storage": "disk", "Sound and video": "sound", "USB and bus": "usb", "Accelerator": "accel" };
    return words[kindOf(device)] ?? "device";
}

const linkText = (speed, width) => speed && [speed.replace(" PCIe", ""), width && `x${width}`].filter(Boolean).join(" ");

function factsCard(device) {
    const { link: lane = {}, state = {} } = device;
    return h("section", { class: "card" }, h("h2", {}, "What it is"), facts([
        ["Kind", kindOf(device)],
        ["Ids", h("span", { class: "mono" }, `${device.vendor?.slice(2)}:${device.device?.slice(2)}`)],
        ["Made for", [device.subsystem_vendor_name, device.subsystem_device_name].filter(Boolean).join(" ")],
        ["Driver", device.driver ?? "none"],
        ["Drivers that fit", device.modules.join(", ")],
        ["For virtual machines", device["vfio-drivers"].join(", ")],
        ["At each boot", state["persistent-driver"]],
        ["IOMMU group", device.iommugroup < 0 ? "none" : device.iommugroup],
        ["NUMA node", device["numa-node"] >= 0 ? device["numa-node"] : undefined],
        ["Slot", device.slot],
        ["Serial number", device["serial-number"]],
        ["Link", linkText(lane.speed, lane.width)],
        ["Link, at most", linkText(lane["max-speed"], lane["max-width"])],
        ["Power", device["power-state"]],
        ["Resets", device["reset-methods"].join(", ") || "none"],
        ["Last reset", state.reset && `${when(state.reset.time)} by ${state.reset.method}: ${state.reset.ok ? "worked" : state.reset.message ?? "failed"}`],
        ["ROM", device.rom && bytes(device.rom.size) + (device.rom.shadow ? ", the firmware's copy" : "")],
        ["ROM, as read", state.rom && [state.rom.uefi && "UEFI", state.rom.bios && "BIOS", state.rom.complete ? "complete" : "damaged"].filter(Boolean).join(", ")],
        ["Physical function", device.physfn && deviceLink(device.physfn)],
    ]));
}

function barsCard(device) {
    if (device.resources.length === 0)
        return null;
    return h("section", { class: "card" }, h("h2", {}, "Memory and ports"),
        table("Address ranges of the device", ["Name", "Address", "Size", "Kind"], device.resources.map((bar) => [
            bar.name.toUpperCase(), h("span", { class: "mono" }, bar.start), bytes(bar.size),
            { io: "I/O ports", mem32: "32-bit", mem64: "64-bit" }[bar.type] + (bar.prefetchable ? ", prefetchable" : "")])));
}

function usesCard(device) {
    const uses = device["host-use"];
    const others = device.peers.length > 0 && h("p", {}, `In the same IOMMU group: `, device.peers.flatMap((id, i) => [i > 0 ? ", " : "", deviceLink(id)]), ".");
    const owners = device.owners.map((owner) => h("li", {}, `${owner.owner} sets its ${owner.what} at boot: `, h("span", { class: "mono small" }, `${owner.file}${owner.line ? `:${owner.line}` : ""}`)));
    return h("section", { class: "card" }, h("h2", {}, "Who uses it"),
        h("ul", { class: "plain" }, usedBy(device) && h("li", {}, usedBy(device)),
            uses.map((use) => h("li", {}, h("span", { class: `chip ${{ idle: "note", active: "soon", critical: "stop" }[use.weight]}` },
                { idle: "Not in use now", active: "In use by the host", critical: "The host needs it" }[use.weight]), " ", deviceLink(use.id), `: ${use.message}`)),
            uses.length === 0 && !usedBy(device) && h("li", { class: "soft" }, "Nothing on the host uses it."), owners),
        others);
}

export function showDevice(main, { id }) {
    const content = h("div", { class: "stack" }, h("p", { class: "soft" }, "Reading the device…"));
    const heading = h("h1", {}, id);
    let stopped = false;
    main.append(h("p", { class: "crumbs" }, h("a", { href: link("devices") }, "Devices"), " / ", h("span", { class: "mono" }, id)), heading, content);

    async function load() {
        let device, divided = null;
        try {
            device = await get(`${base(id)}/status`);
            if (device.sriov || device.mdev)
                divided = await readParts(device);
        } catch (error) {
            if (isNew(content, error.message))
                content.replaceChildren(failure(error));
            return;
        }
        if (stopped || content.contains(document.activeElement?.closest("input, select")) || !isNew(content, device, divided))
            return; // it is left, somebody is typing, or nothing has changed
        heading.textContent = deviceName(device);
        const act = (action) => runAction(action, "Do what the check recommends?", null, load);
        content.replaceChildren(
            verdictCard(device, load),
            h("section", { class: "card" }, h("h2", {}, "Checks"), checks(device.checks, act)),
            h("div", { class: "columns" }, usesCard(device), mappingCard(device, () => { document.activeElement.blur(); load(); })),
            ...(divided === null ? [] : partsCards(device, divided, load)), h("div", { class: "columns" }, factsCard(device), barsCard(device)));
    }

    load();
    const stop = onChanges(["device", "reservation", "mapping-pci", "vm", "task"], load, 400);
    return () => { stopped = true; stop(); };
}
