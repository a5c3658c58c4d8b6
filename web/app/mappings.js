// SPDX-License-Identifier: GPL-2.0-or-later
// Mappings: the names by which virtual machines ask for devices. Each with its checks and what is free of it.
import { call, get, path, session } from "/app/call.js";
import { h, isNew } from "/app/dom.js";
import { onChanges } from "/app/live.js";
import { ask, button, deviceLink, deviceName, empty, failure, field, notice, verdict } from "/app/parts.js";
import { link } from "/app/route.js";

export const readEntry = (text) => Object.fromEntries(text.split(",").map((part) => [part.slice(0, part.indexOf("=")), part.slice(part.indexOf("=") + 1)]));

// Of the devices, those that a person would give to a virtual machine.
const isChoice = (device) => !device.class.startsWith("0x06") && device.verdict !== "blocked";

export async function newMapping(done) {
    const devices = (await get("/nodes/localhost/hardware/pci", { "pci-class-blacklist": "", verdict: 1 })).filter(isChoice);
    const name = h("input", { required: true, pattern: "[A-Za-z][A-Za-z0-9_\\-]+", maxlength: 128, autocomplete: "off", spellcheck: "false", placeholder: "gpu" });
    const choice = h("select", { required: true }, devices.map((device) => h("option", { value: device.id }, `${device.id.replace(/^0000:/, "")}  ${deviceName(device)} (${device.verdict})`)));
    ask("Make a mapping", [
        devices.length === 0 && notice("soon", h("p", {}, "No device of this host can be passed through yet. ", h("a", { href: link("host") }, "See what this host needs"), ".")),
        field("Device", choice), field("Name", name, "If there is a mapping of this name, the device becomes one more choice of it.")], "Make it",
    async (form, dialog) => {
        await call("POST", path`/nodes/localhost/hardware/pci/${choice.value}/map`, { mapping: name.value });
        dialog.close();
        done();
    });
}

function removeMapping(mapping, done) {
    ask(`Delete the mapping ${mapping.id}?`, h("p", {}, "Virtual machines that ask for it do not start any more. The devices stay as they are."), "Delete",
        async (form, dialog) => {
            await call("DELETE", path`/cluster/mapping/pci/${mapping.id}`);
            dialog.close();
            done();
        }, "danger");
}

function capacityLine(capacity) {
    const here = capacity.filter((one) => one.total > 0 || one.online);
    return here.map((one) => h("div", {}, h("p", { class: "row" },
        h("span", { class: `chip ${one.free > 0 ? "good" : "soon"}` }, `${one.free} of ${one.total} free`),
        h("meter", { min: 0, max: Math.max(one.total, 1), value: one.free, "aria-label": `Free on ${one.node}` }),
        h("span", { class: "soft small" }, one.online ? `on ${one.node}` : `on ${one.node}, whose hardware could not be read`)),
    one.used.map((use) => h("p", { class: "small" }, h("span", { class: "mono" }, use.path), use.vmid ? [" is used by ", h("a", { href: link("vms", use.vmid) }, `VM ${use.vmid}`)] : " is in use"))));
}

function card(mapping, capacity, devices, reload) {
    const rows = mapping.map.map(readEntry).map((entry) => {
        const first = entry.path.split(";")[0];
        const device = devices.find((one) => one.id === first || one.id.startsWith(`${first}.`));
        return h("li", { class: "device in0" }, h("div", { class: "device-id" }, device ? deviceLink(device.id) : h("span", { class: "mono" }, entry.path)),
            h("div", { class: "grow" }, h("p", {}, device ? deviceName(device) : `Not there now (${entry.id})`), h("p", { class: "soft small" }, `on ${entry.node}`)),
            device && h("div", {}, verdict(device.verdict)));
    });
    return h("section", { class: "card mapping" }, h("div", { class: "row" }, h("h2", { class: "grow mono" }, h("a", { href: link("mappings", mapping.id) }, mapping.id)),
        mapping.mdev ? h("span", { class: "chip used" }, "Mediated devices") : null,
        session.token === null && session.cap.mapping?.["Mapping.Modify"] !== 1 ? null : button("Delete…", () => removeMapping(mapping, reload), { class: "quiet small" })),
    mapping.description && h("p", {}, mapping.description),
    (mapping.checks ?? []).map((check) => notice(check.severity === "error" ? "stop" : "soon", h("p", {}, check.message))),
    capacityLine(capacity), h("ul", { class: "devices" }, rows));
}

export function showMappings(main, { id }) {
    const list = h("div", { class: "stack" }, h("p", { class: "soft" }, "Reading the mappings…"));
    async function load() {
        try {
            const [{ node }] = await get("/nodes");
            const [all, devices] = await Promise.all([get("/cluster/mapping/pci", { "check-node": node }), get("/nodes/localhost/hardware/pci", { "pci-class-blacklist": "", verdict: 1 })]);
            const shown = all.filter((mapping) => id === undefined || mapping.id === id);
            const capacities = await Promise.all(shown.map((mapping) => get(path`/cluster/mapping/pci/${mapping.id}/capacity`)));
            if (!isNew(list, shown, capacities, devices))
                return;
            list.replaceChildren(...shown.map((mapping, i) => card(mapping, capacities[i], devices, load)));
            if (shown.length === 0)
                list.append(id === undefined ? empty("There is no mapping yet.", h("p", { class: "soft" }, "A mapping is a name for a device, or for several alike. Virtual machines ask for the name, and get one that is free."))
                    : empty(`There is no mapping '${id}'.`));
        } catch (error) {
            if (isNew(list, error.message))
                list.replaceChildren(failure(error));
        }
    }
    main.append(h("div", { class: "row" }, h("h1", { class: "grow" }, "Mappings"), button("Make a mapping…", () => newMapping(load).catch((error) => list.prepend(failure(error))))), list);
    load();
    return onChanges(["mapping-pci", "reservation", "device"], load, 400);
}
