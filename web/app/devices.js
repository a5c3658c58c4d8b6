// SPDX-License-Identifier: GPL-2.0-or-later
// All devices, by IOMMU group (what can be passed through together) or by place (what is plugged in where).
import { get } from "/app/call.js";
import { h, isNew } from "/app/dom.js";
import { onChanges } from "/app/live.js";
import { count, deviceLink, deviceName, empty, failure, notice, verdict } from "/app/parts.js";
import { link } from "/app/route.js";

const FOLD_FROM = 60;   // with more devices than that, groups begin folded
const SLICE = 150;      // groups that are made at a time
const KINDS = {
    "00": "Unclassified", "01": "Storage", "02": "Network", "03": "Display", "04": "Sound and video", "05": "Memory", "06": "Bridge",
    "07": "Communication", "08": "System", "09": "Input", "0a": "Docking", "0b": "Processor", "0c": "USB and bus",
    "0d": "Wireless", "0e": "I/O", "0f": "Satellite", "10": "Encryption", "11": "Signal processing", "12": "Accelerator",
};
const ORDER = ["blocked", "possible", "ready"];
const isBridge = (device) => device.class.startsWith("0x06");
export const kindOf = (device) => KINDS[device.class.slice(2, 4)] ?? "Other";

function deviceRow(device, indent = 0) {
    const bridge = isBridge(device);
    return h("li", { class: bridge ? `device bridge in${indent}` : `device in${indent}` },
        h("div", { class: "device-id" }, deviceLink(device.id)),
        h("div", { class: "grow" }, h("p", { class: "strong" }, deviceName(device)),
            h("p", { class: "soft small" }, [kindOf(device), device.driver ? `driver ${device.driver}` : "no driver",
                device.physfn ? `virtual function of ${device.physfn}` : null,
                device.virtfns ? count(Object.keys(device.virtfns).length, "virtual function") : null,
                device.mdev ? "can be divided" : null].filter(Boolean).join(" · ")),
            !bridge && h("p", { class: "small" }, device.summary)),
        h("div", { class: "device-verdict" }, bridge ? h("span", { class: "chip quiet" }, "Stays with the host") : verdict(device.verdict)));
}

function tally(devices) {
    const parts = ORDER.map((name) => [name, devices.filter((device) => !isBridge(device) && device.verdict === name).length]);
    return h("span", { class: "tally" }, parts.filter(([, number]) => number > 0)
        .map(([name, number]) => h("span", { class: `dot ${name}` }, `${number} ${name}`)));
}

// The rows inside are made when it is opened.
function block(title, about, devices, open, rows) {
    const body = h("ul", { class: "devices" });
    const details = h("details", { class: "card group", open, ontoggle: () => { if (details.open && body.childElementCount === 0) body.append(...rows()); } },
        h("summary", {}, h("h2", {}, title), about && h("span", { class: "soft small grow" }, about), tally(devices)), body);
    if (open)
        body.append(...rows());
    return details;
}

function byGroup(devices, folded) {
    const groups = new Map();
    for (const device of devices)
        groups.set(device.iommugroup, [...(groups.get(device.iommugroup) ?? []), device]);
    return [...groups].sort(([a], [b]) => a - b).map(([number, members]) => () => {
        const real = members.filter((device) => !isBridge(device));
        const name = real.length > 0 ? deviceName(real[0]) : deviceName(members[0]);
        const about = real.length > 1 ? `${name} and ${count(real.length - 1, "more")}: pass through together`.replace("mores", "more") : name;
        return block(number < 0 ? "In no IOMMU group" : `IOMMU group ${number}`, about, members, !folded && real.length > 0,
            () => members.map((device) => deviceRow(device)));
    });
}

// A function is below the bridge whose buses it is on. The list has no bus numbers, so neighbours on a bus make a place.
function byPlace(devices, folded) {
    const slots = new Map();
    for (const device of devices) {
        const bus = device.id.slice(0, device.id.lastIndexOf(":"));
        slots.set(bus, [...(slots.get(bus) ?? []), device]);
    }
    return [...slots].map(([bus, members]) => () => {
        const parents = new Set(members.filter((device) => !device.physfn).map((device) => device.id));
        const rows = () => members.filter((device) => !parents.has(device.physfn))
            .flatMap((device) => [deviceRow(device), ...members.filter((other) => other.physfn === device.id).map((vf) => deviceRow(vf, 1))]);
        const real = members.filter((device) => !isBridge(device) && !device.physfn);
        return block(`Bus ${bus}`, real.map(deviceName).slice(0, 2).join(", "), members, !folded && real.length > 0, rows);
    });
}

// Makes them a slice at a time, so that the first are seen at once.
function fill(list, makers) {
    let at = 0;
    const more = () => {
        if (!list.isConnected && at > 0)
            return;
        list.append(...makers.slice(at, at += SLICE).map((make) => make()));
        if (at < makers.length)
            setTimeout(more);
    };
    more();
}

const matches = (device, words) => {
    const text = [device.id, deviceName(device), device.driver, kindOf(device), device.verdict, `${device.vendor.slice(2)}:${device.device.slice(2)}`].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
};

function summaryOf(devices) {
    const real = devices.filter((device) => !isBridge(device));
    const groups = new Set(devices.map((device) => device.iommugroup).filter((group) => group >= 0)).size;
    if (groups === 0)
        return notice("stop", h("p", {}, "The IOMMU is off, so no device can be given to a virtual machine yet. ",
            h("a", { href: link("host") }, "See what this host needs"), "."));
    const number = (name) => real.filter((device) => device.verdict === name).length;
    return h("p", { class: "soft" }, `${count(real.length, "device")} in ${count(groups, "IOMMU group")}: ${number("ready")} ready, ` +
        `${number("possible")} possible after detaching, ${number("blocked")} blocked.`);
}

export function showDevices(main) {
    let devices = null;
    const list = h("div", { class: "groups" });
    const about = h("div", { "aria-live": "polite" }, h("p", { class: "soft" }, "Reading the devices…"));
    const search = h("input", { type: "search", placeholder: "Search: name, id, driver, ready…", "aria-label": "Search the devices", oninput: () => draw() });
    const order = h("select", { "aria-label": "Order", onchange: () => draw() },
        h("option", { value: "group" }, "By IOMMU group"), h("option", { value: "place" }, "By place (PCI bus)"));
    const bridges = h("input", { type: "checkbox", onchange: () => draw() });

    function draw() {
        if (devices === null)
            return;
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        const shown = devices.filter((device) => (bridges.checked || !isBridge(device)) && matches(device, words));
        const opened = new Set([...list.querySelectorAll("details[open] h2")].map((title) => title.textContent));
        const next = h("div", { class: "groups" });
        const folded = shown.length > FOLD_FROM;
        list.replaceChildren(next);
        fill(next, (order.value === "group" ? byGroup : byPlace)(shown, folded));
        if (folded)
            for (const details of next.querySelectorAll("details"))
                details.open = opened.has(details.querySelector("h2").textContent);
        about.replaceChildren(summaryOf(devices));
        if (shown.length === 0)
            list.replaceChildren(words.length > 0 ? empty("No device matches.", h("p", { class: "soft" }, "Search for a name, an id or a driver."))
                : empty("This host has no PCI devices that could be passed through."));
    }

    async function load() {
        try {
            devices = await get("/nodes/localhost/hardware/pci", { "pci-class-blacklist": "", verdict: 1 });
            if (isNew(list, devices))
                draw();
        } catch (error) {
            if (isNew(list, error.message))
                about.replaceChildren(failure(error));
        }
    }

    main.append(h("h1", {}, "Devices"), about,
        h("div", { class: "bar" }, search, order, h("label", { class: "tick" }, bridges, h("span", {}, "Bridges"))), list);
    load();
    return onChanges(["device", "reservation"], load, 400);
}
