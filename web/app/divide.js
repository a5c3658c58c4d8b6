// SPDX-License-Identifier: GPL-2.0-or-later
// Parts of a device: virtual functions (SR-IOV) and mediated devices.
import { get, path } from "/app/call.js";
import { runAction, callAndFollow } from "/app/change.js";
import { h, table } from "/app/dom.js";
import { ask, button, count, deviceLink, field, notice, tick } from "/app/parts.js";
import { link } from "/app/route.js";

const base = (id) => path`/nodes/localhost/hardware/pci/${id}`;

function changeCount(device, sriov, done) {
    const number = h("input", { name: "numvfs", type: "number", min: 0, max: sriov.total, required: true, value: sriov.now });
    const gone = sriov.vfs.filter((vf) => vf.exists);
    const title = `Virtual functions of ${device.id}`;
    ask(title, [
        h("p", {}, `It has ${sriov.now} of at most ${sriov.total}.`),
        gone.length > 0 && notice("soon", h("p", {}, `To change the number, all ${count(gone.length, "virtual function")} are removed and made again. ` +
            "This is refused while the host or a virtual machine uses one of them.")),
        field("How many", number), tick("Also at each start of the host", "persistent", sriov.kept !== undefined)], "Change",
    (form, dialog) => callAndFollow(dialog, title, { method: "PUT", path: `${base(device.id)}/sriov`,
        parameters: { numvfs: number.value, persistent: form.elements.persistent.checked ? 1 : 0 } }, done));
}

function vfCard(device, sriov, reload) {
    const there = sriov.vfs.filter((vf) => vf.exists);
    return h("section", { class: "card" }, h("h2", {}, "Virtual functions"),
        h("p", { class: "row" }, h("span", { class: "grow" }, `${sriov.now} of ${sriov.total}` +
            (sriov.kept === undefined ? ", until the next boot." : `; ${sriov.kept} at each start of the host.`)),
        device.state && button("Change the number…", () => changeCount(device, sriov, reload))),
        sriov["kept-waits"] && notice("soon", h("p", {}, sriov["kept-waits"])),
        there.length > 0 && h("details", { class: "plain", open: there.length <= 8 }, h("summary", {}, `Show ${count(there.length, "virtual function")}`),
            table("Virtual functions", ["Number", "Device", "Driver", "IOMMU group", "Address", "VLAN"], there.map((vf) => [
                String(vf.index), deviceLink(vf.id), vf.driver ?? "none", vf.group === undefined ? "" : String(vf.group),
                h("span", { class: "mono" }, vf.settings?.mac ?? ""), vf.settings?.vlan ? String(vf.settings.vlan) : ""]))));
}

function createMdev(device, type, done) {
    runAction({ method: "POST", path: `${base(device.id)}/mdev`, parameters: { type: type.type } },
        `Create a ${type.name ?? type.type}`, h("pre", {}, type.description), done);
}

function removeMdev(one, done) {
    runAction({ method: "DELETE", path: path`/nodes/localhost/hardware/mdev/${one.id}` }, `Remove ${one.id}`,
        h("p", {}, "It is refused while somebody has it open."), done);
}

function mdevCard(device, types, own, reload) {
    return h("section", { class: "card" }, h("h2", {}, "Mediated devices"),
        table("Types of mediated devices", ["Type", "Left", "What it is", ""], types.map((type) => [
            h("span", {}, h("span", { class: "strong" }, type.name ?? type.type), type.name && h("span", { class: "block small soft mono" }, type.type)),
            String(type.available), h("span", { class: "small" }, type.description),
            device.state && button("Create…", () => createMdev(device, type, reload), { class: "small quiet", disabled: type.available === 0 })])),
        own.length > 0 && table("Mediated devices", ["Id", "Type", "State", "Used by", ""], own.map((one) => [
            h("span", { class: "mono small" }, one.id), one.type ?? "", { active: "exists", defined: "kept, not there now", leftover: "left over" }[one.state],
            one.vmid ? h("a", { href: link("vms", one.vmid) }, `VM ${one.vmid}`) : one.holder ?? "",
            device.state && button("Remove…", () => removeMdev(one, reload), { class: "small quiet" })])));
}

export async function readParts(device) {
    const [sriov, types, all] = await Promise.all([device.sriov ? get(`${base(device.id)}/sriov`) : null,
        device.mdev ? get(`${base(device.id)}/mdev`) : null, device.mdev ? get("/nodes/localhost/hardware/mdev") : []]);
    return { sriov, types, mdevs: all.filter((one) => one.parent === device.id) };
}

export function partsCards(device, { sriov, types, mdevs }, reload) {
    return [sriov && vfCard(device, sriov, reload), types && mdevCard(device, types, mdevs, reload)].filter(Boolean);
}
