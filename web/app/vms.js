// SPDX-License-Identifier: GPL-2.0-or-later
// Virtual machines, and making one.
import { get } from "/app/call.js";
import { callAndFollow } from "/app/change.js";
import { h, table } from "/app/dom.js";
import { onChanges } from "/app/live.js";
import { ask, button, bytes, empty, failure, field } from "/app/parts.js";
import { link } from "/app/route.js";

export const state = (vm) => h("span", { class: `chip ${vm.status === "running" ? "good" : "note"}` },
    vm.lock ? `${vm.status}, locked: ${vm.lock}` : vm.qmpstatus === "paused" ? "Paused" : vm.status === "running" ? "Running" : "Stopped");

async function newVm(done) {
    const [next, mappings] = await Promise.all([get("/cluster/nextid"), get("/cluster/mapping/pci")]);
    const vmid = h("input", { type: "number", min: 100, required: true, value: next });
    const name = h("input", { pattern: "[A-Za-z0-9]([A-Za-z0-9.\\-]*[A-Za-z0-9])?", autocomplete: "off", placeholder: "desk" });
    const memory = h("input", { type: "number", min: 16, required: true, value: 4096 });
    const cores = h("input", { type: "number", min: 1, max: 128, required: true, value: 4 });
    const device = h("select", {}, h("option", { value: "" }, "None yet"), mappings.map((mapping) => h("option", { value: mapping.id }, mapping.id)));
    const firmware = h("select", {}, h("option", { value: "seabios" }, "BIOS (SeaBIOS)"), h("option", { value: "ovmf" }, "UEFI (OVMF)"));
    ask("Make a virtual machine", [h("div", { class: "pairs" }, field("Number", vmid), field("Name", name), field("Memory in MiB", memory), field("Processors", cores)),
        field("Firmware", firmware, "Newer graphics cards want UEFI."), field("PCI device", device, "By its mapping. Other devices can be added later."),
        h("p", { class: "soft small" }, "Disks and networks are added with qm, or by any client of Proxmox VE.")], "Make it",
    (form, dialog) => callAndFollow(dialog, `Make VM ${vmid.value}`, { method: "POST", path: "/nodes/localhost/qemu", parameters: {
        vmid: vmid.value, name: name.value || undefined, memory: memory.value, cores: cores.value, machine: "q35", bios: firmware.value,
        hostpci0: device.value ? `mapping=${device.value},pcie=1` : undefined } }, done));
}

export function showVms(main) {
    const list = h("div", {}, h("p", { class: "soft" }, "Reading the virtual machines…"));
    async function load() {
        try {
            const vms = (await get("/nodes/localhost/qemu")).sort((a, b) => a.vmid - b.vmid);
            list.replaceChildren(vms.length === 0 ? empty("There is no virtual machine yet.", h("p", { class: "soft" }, "Make one here, with qm on the host, or with any client of Proxmox VE."))
                : h("section", { class: "card" }, table("Virtual machines", ["VM", "Name", "State", "Memory", "Processors"], vms.map((vm) => [
                    h("a", { href: link("vms", vm.vmid) }, String(vm.vmid)), vm.name, state(vm), bytes(vm.maxmem), String(vm.cpus)]))));
        } catch (error) {
            list.replaceChildren(failure(error));
        }
    }
    main.append(h("div", { class: "row" }, h("h1", { class: "grow" }, "Virtual machines"), button("Make a virtual machine…", () => newVm(load).catch((error) => list.prepend(failure(error))))), list);
    load();
    return onChanges(["vm", "task"], load, 400);
}
