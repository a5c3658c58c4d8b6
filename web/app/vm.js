// SPDX-License-Identifier: GPL-2.0-or-later
// One virtual machine: its devices, what a start would do, start and stop.
import { call, get, path } from "/app/call.js";
import { runAction, follow } from "/app/change.js";
import { facts, h } from "/app/dom.js";
import { onChanges } from "/app/live.js";
import { ask, button, bytes, checks, deviceLink, deviceName, failure, field, notice } from "/app/parts.js";
import { link } from "/app/route.js";
import { state } from "/app/vms.js";

const SLOTS = 16; // hostpci0 to hostpci15
const base = (vmid) => path`/nodes/localhost/qemu/${vmid}`;

function power(vm, verb, title, about, tone, done) {
    ask(title, about, title.split(" ")[0], async (form, dialog) => {
        follow(dialog, title, await call("POST", `${base(vm.vmid)}/status/${verb}`), done);
    }, tone);
}

function preflightCard(vm, preflight, reload) {
    const devices = preflight.devices.map((device) => h("li", {}, h("span", { class: "mono strong" }, device.key), ": ",
        device.chosen.length > 0 ? device.chosen.flatMap((id, i) => [i > 0 ? ", " : "", deviceLink(id)]) : "none is free",
        device.mapping && [", of the mapping ", h("a", { href: link("mappings", device.mapping) }, device.mapping)], device.mdev && `, a ${device.mdev}`,
        device.detaches.length > 0 && h("span", { class: "block small" }, `The host loses ${device.detaches.map((one) => `${one.id} (${one.driver})`).join(", ")}.`),
        (device.refused ?? []).map((one) => h("span", { class: "block small soft" }, `Not ${one.path}: ${one.reason}`))));
    return h("section", { class: `card verdict ${preflight.startable ? "ready" : "blocked"}` }, h("h2", {}, "If it starts now"),
        h("p", { class: "strong" }, preflight.summary), h("ul", { class: "plain" }, devices),
        checks(preflight.checks, (action) => runAction(action, "Do what the check recommends?", null, reload)));
}

function runningCard(devices) {
    return h("section", { class: "card" }, h("h2", {}, "Its devices"), devices.length === 0 ? h("p", { class: "soft" }, "It has no device of the host.")
        : h("ul", { class: "plain" }, devices.map((device) => h("li", {}, h("span", { class: "mono strong" }, device.key), ": ",
            device.functions.map((one) => h("span", { class: "block" }, deviceLink(one.host), one.guest ? [" is ", h("span", { class: "mono" }, one.guest), " in the guest"] : "")),
            device.reason && h("span", { class: "soft block" }, device.reason)))));
}

async function addDevice(vm, config, done) {
    const [mappings, devices] = await Promise.all([get("/cluster/mapping/pci"), get("/nodes/localhost/hardware/pci", { "pci-class-blacklist": "", verdict: 1 })]);
    const key = Array.from({ length: SLOTS }, (_, i) => `hostpci${i}`).find((name) => config[name] === undefined);
    const real = devices.filter((device) => !device.class.startsWith("0x06") && device.verdict !== "blocked");
    const choice = h("select", { required: true },
        h("optgroup", { label: "Mappings" }, mappings.map((mapping) => h("option", { value: `mapping=${mapping.id}` }, mapping.id))),
        h("optgroup", { label: "Devices of this host" }, real.map((device) => h("option", { value: device.id }, `${device.id} ${deviceName(device)}`))));
    ask(`Add a device as ${key}`, [field("Device", choice, "A device by its number can be given only by root@pam; a mapping by whoever may use it.")], "Add",
        async (form, dialog) => {
            const express = /q35/.test(config.machine ?? "") ? ",pcie=1" : "";
            await call("PUT", `${base(vm.vmid)}/config`, { [key]: choice.value + express, digest: config.digest });
            dialog.close();
            done();
        });
}

function configCard(vm, config, reload) {
    const keys = Object.keys(config).filter((key) => /^hostpci\d+$/.test(key));
    return h("section", { class: "card" }, h("div", { class: "row" }, h("h2", { class: "grow" }, "Configuration"),
        button("Add a device…", () => addDevice(vm, config, reload), { class: "small" })),
    facts([["Name", config.name], ["Memory", config.memory && `${config.memory} MiB`], ["Processors", String((config.cores ?? 1) * (config.sockets ?? 1))],
        ["Machine", config.machine], ["Firmware", config.bios === "ovmf" ? "UEFI" : "BIOS"],
        ...keys.map((key) => [key, h("span", { class: "row" }, h("span", { class: "mono wrap" }, config[key]),
            button("Remove", async (event) => {
                event.currentTarget.disabled = true;
                await call("PUT", `${base(vm.vmid)}/config`, { delete: key, digest: config.digest }).catch((error) => alertIn(event.target, error));
                reload();
            }, { class: "quiet small", "aria-label": `Remove ${key}` }))])]));
}

const alertIn = (node, error) => node.after(failure(error));

function buttons(vm, preflight, reload) {
    const title = (verb) => `${verb} VM ${vm.vmid}`;
    if (vm.status !== "running")
        return h("p", { class: "row" }, button("Start…", () => power(vm, "start", title("Start"), [h("p", {}, preflight?.summary ?? "It starts now."),
            preflight?.startable === 0 && notice("soon", h("p", {}, "It will most probably fail: see the checks."))], "", reload)));
    return h("p", { class: "row" }, h("a", { class: "button", href: link("vms", vm.vmid, "console") }, "Open its screen"),
        button("Shut down…", () => power(vm, "shutdown", title("Shutdown"), h("p", {}, "The guest is asked to shut down. Its devices come back to the host then."), "", reload), { class: "quiet" }),
        button("Stop…", () => power(vm, "stop", title("Stop"), h("p", {}, "As if its power was cut: what the guest has not saved is lost."), "danger", reload), { class: "quiet" }));
}

export function showVm(main, { vmid }) {
    const content = h("div", { class: "stack" }, h("p", { class: "soft" }, "Reading the virtual machine…"));
    const heading = h("h1", {}, `VM ${vmid}`);
    async function load() {
        try {
            const [vm, config] = await Promise.all([get(`${base(vmid)}/status/current`), get(`${base(vmid)}/config`)]);
            const running = vm.status === "running";
            const [preflight, devices] = await Promise.all([running ? null : get(`${base(vmid)}/preflight`), running ? get(`${base(vmid)}/devices`) : []]);
            heading.textContent = `VM ${vmid}${vm.name ? `: ${vm.name}` : ""}`;
            content.replaceChildren(h("section", { class: "card" }, h("div", { class: "row" }, state(vm),
                h("span", { class: "soft grow" }, running ? `for ${Math.round(vm.uptime / 60)} minutes, with ${bytes(vm.maxmem)} of memory` : ""), buttons(vm, preflight, load)),
            vm["not-returned"] && notice("stop", h("p", {}, vm["not-returned"]))),
            running ? runningCard(devices) : preflightCard(vm, preflight, load), configCard(vm, config, load));
        } catch (error) {
            content.replaceChildren(failure(error));
        }
    }
    main.append(h("p", { class: "crumbs" }, h("a", { href: link("vms") }, "Virtual machines"), ` / ${vmid}`), heading, content);
    load();
    return onChanges(["vm", "task", "device", "reservation"], load, 400);
}
