// SPDX-License-Identifier: GPL-2.0-or-later
// Changes of a device: what the host would lose is shown before the button, the task's log after it.
import { call, path } from "/app/call.js";
import { h } from "/app/dom.js";
import { ask, button, count, describeCall, notice, tick } from "/app/parts.js";
import { isUpid, watchTask } from "/app/task.js";

// The dialog's content becomes the task's log. The task goes on when it is closed.
export function follow(dialog, title, upid, done) {
    const controller = new AbortController();
    const close = button("Close", () => dialog.close());
    const about = h("p", { class: "soft small" }, "You may close this: the task goes on.");
    dialog.addEventListener("close", () => { controller.abort(); done(); });
    dialog.querySelector("form").replaceChildren(h("h2", { id: dialog.getAttribute("aria-labelledby") }, title),
        watchTask(upid, () => { about.remove(); done(); }, controller.signal), about, h("div", { class: "row end" }, close));
    close.focus();
}

export async function callAndFollow(dialog, title, action, done) {
    const reply = await call(action.method, action.path, action.parameters ?? {});
    if (isUpid(reply)) {
        follow(dialog, title, reply, done);
    } else {
        dialog.close();
        done();
    }
}

export function runAction(action, title, about, done) {
    return ask(title, [about, h("p", { class: "soft small" }, "This call is made:"), h("pre", {}, describeCall(action))], "Do it",
        (form, dialog) => callAndFollow(dialog, title, action, done));
}

function impact(device) {
    const uses = device["host-use"].filter((use) => use.weight !== "idle" || use.message);
    const critical = uses.some((use) => use.weight === "critical"), active = uses.some((use) => use.weight === "active");
    const lost = device.detaches.length > 0 ? device.detaches : [{ id: device.id, driver: device.driver ?? "no driver" }];
    return [
        h("p", {}, `The host loses ${count(lost.length, "function")}:`),
        h("ul", { class: "plain loss" }, lost.map((one) => h("li", {}, h("span", { class: "mono" }, one.id), ` (${one.driver})`,
            uses.filter((use) => use.id === one.id).map((use) => h("span", { class: "block small" }, `${{ idle: "", active: "In use: ", critical: "Needed: " }[use.weight]}${use.message}`))))),
        critical ? notice("stop", h("p", {}, "The root file system needs it. This is refused, even by force."))
            : active ? notice("soon", h("p", {}, "The host uses it right now. What uses it will fail."))
                : h("p", { class: "soft" }, "Nothing of this is in use now."),
        active && !critical && tick("Detach it although it is in use", "force"),
    ];
}

const SCOPES = [["group", "All of its IOMMU group, so that a virtual machine can have it"], ["device", "All functions of the card"], ["function", "This function alone"]];

function scopes(chosen) {
    return h("fieldset", {}, h("legend", {}, "How much"), SCOPES.map(([value, text]) =>
        h("label", { class: "tick" }, h("input", { type: "radio", name: "scope", value, checked: value === chosen }), h("span", {}, text))));
}

const driverCall = (device, parameters) => ({ method: "PUT", path: path`/nodes/localhost/hardware/pci/${device.id}/driver`, parameters });

function chosen(form, more) {
    const data = new FormData(form);
    return { ...more, scope: data.get("scope"), ...(data.has("force") ? { force: 1 } : {}), ...(data.has("persistent") ? { persistent: 1 } : {}) };
}

export function detach(device, done) {
    const title = `Detach ${device.id} from the host`;
    return ask(title, [impact(device), scopes(device.detaches.length > 1 ? "group" : "function"),
        tick("Also at each start of the host", "persistent", false, "Else the host has it again after the next boot.")], "Detach",
    (form, dialog) => callAndFollow(dialog, title, driverCall(device, chosen(form, { driver: "vfio" })), done), "danger");
}

export function giveBack(device, done) {
    const before = device.state?.["previous-driver"];
    const vm = device["used-by"];
    const title = `Give ${device.id} back to the host`;
    return ask(title, [
        h("p", {}, before ? `The host gets it back, with the driver ${before}.` : "The host gets it back, with the driver that the kernel chooses."),
        vm && h("p", {}, `VM ${vm.vmid} is configured to get it. When it starts, the device is detached again.`),
        device.state?.["persistent-driver"] && h("p", {}, "It is also forgotten that it is detached at each start of the host."),
        scopes(device.peers.some((id) => !isElsewhere(id, device)) ? "group" : "function")], "Give back",
    (form, dialog) => callAndFollow(dialog, title, driverCall(device,
        chosen(form, { driver: before ? "restore" : "auto", ...(device.state?.["persistent-driver"] ? { persistent: 1 } : {}) })), done));
}

// The functions of the same slot are what was taken with it, most of the time.
const isElsewhere = (id, device) => id.split(".")[0] !== device.id.split(".")[0];
