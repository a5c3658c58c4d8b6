// SPDX-License-Identifier: GPL-2.0-or-later
// The frame of the page: who is logged in, where to go, and the view of the address.
import { forget, get, keepAlive, logOut, resume, session } from "/app/call.js";
import { h } from "/app/dom.js";
import { showDevice } from "/app/device.js";
import { showDevices } from "/app/devices.js";
import * as live from "/app/live.js";
import { showLogin } from "/app/login.js";
import { button } from "/app/parts.js";
import { follow, leave, link, route } from "/app/route.js";
import { showTask, showTasks } from "/app/tasks.js";

const HOME = link("devices");
const SECTIONS = [["devices", "Devices"], ["tasks", "Tasks"]];

route("/devices", "Devices", showDevices);
route("/devices/:id", "Device", showDevice);
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
