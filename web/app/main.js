// SPDX-License-Identifier: GPL-2.0-or-later
// The frame of the page: who is logged in, where to go, and the view of the address.
import { forget, get, keepAlive, logOut, resume, session } from "/app/call.js";
import { showConsole } from "/app/console.js";
import { h } from "/app/dom.js";
import { showDevice } from "/app/device.js";
import { showDevices } from "/app/devices.js";
import { showHost } from "/app/host.js";
import * as live from "/app/live.js";
import { showLogin } from "/app/login.js";
import { showMappings } from "/app/mappings.js";
import { button } from "/app/parts.js";
import { follow, leave, link, route } from "/app/route.js";
import { showTask, showTasks } from "/app/tasks.js";
import { showVm } from "/app/vm.js";
import { showVms } from "/app/vms.js";

const HOME = link("devices");
const SECTIONS = [["host", "Host"], ["devices", "Devices"], ["mappings", "Mappings"], ["vms", "VMs"], ["tasks", "Tasks"]];

route("/devices", "Devices", showDevices);
route("/devices/:id", "Device", showDevice);
route("/host", "Host", showHost);
route("/mappings", "Mappings", showMappings);
route("/mappings/:id", "Mapping", showMappings);
route("/vms", "Virtual machines", showVms);
route("/vms/:vmid", "VM", showVm);
route("/vms/:vmid/console", "Screen of VM", showConsole);
route("/tasks", "Tasks", showTasks);
route("/tasks/:upid", "Task", showTask);

const main = document.getElementById("main");
const top = document.getElementById("top");

function mark(section) {
    for (const entry of top.querySelectorAll("nav a"))
        entry.getAttribute("href") === link(section) ? entry.setAttribute("aria-current", "page") : entry.removeAttribute("aria-current");
}

const show = () => { if (session.user !== null) follow(main, HOME, mark); };

async function leaveTo(why) {
    live.stop();
    leave();
    forget();
    top.replaceChildren();
    top.hidden = true;
    showLogin(main, enter, why);
}

function enter() {
    const name = h("span", { class: "node" });
    top.hidden = false;
    top.replaceChildren(h("a", { class: "brand", href: HOME }, "hostpci", name),
        h("nav", { "aria-label": "Main" }, SECTIONS.map(([section, title]) => h("a", { href: link(section) }, title))),
        h("div", { class: "who" }, h("a", { href: "/reference.html" }, "API"), h("span", { class: "user" }, session.user),
            button("Log out", async () => { await logOut(); leaveTo(null); }, { class: "quiet small" })));
    get("/nodes").then((nodes) => { name.textContent = nodes[0]?.node ?? ""; }).catch(() => {});
    live.start();
    show();
}

session.ended = (message) => leaveTo(message === "" ? "Please log in again." : `Please log in again: ${message}`);
addEventListener("hashchange", show);
keepAlive();
if (await resume())
    enter();
else
    leaveTo(null);
