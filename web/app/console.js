// SPDX-License-Identifier: GPL-2.0-or-later
// The screen of a virtual machine, by noVNC, which the server has from Debian's package.
import { call, path, session } from "/app/call.js";
import { h } from "/app/dom.js";
import { button, failure, notice } from "/app/parts.js";
import { link } from "/app/route.js";

async function loadNoVnc() {
    try {
        return (await import("/novnc/core/rfb.js")).default;
    } catch {
        return null;
    }
}

const missing = () => notice("soon", h("p", { class: "strong" }, "noVNC is not installed on this host, so there is no screen to see here."),
    h("p", {}, "Install it there, and load this page again: ", h("code", {}, "apt install novnc")));

// The ticket is for one connection within 40 seconds, so each connection has its own.
async function connect(Rfb, vmid, screen, ended) {
    const ticket = await call("POST", path`/nodes/localhost/qemu/${vmid}/vncproxy`, { websocket: 1 });
    const query = new URLSearchParams({ port: ticket.port, vncticket: ticket.ticket });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const url = `${scheme}://${location.host}/api2/json/nodes/localhost/qemu/${encodeURIComponent(vmid)}/vncwebsocket?${query}`;
    const rfb = new Rfb(screen, url, { credentials: { password: ticket.password ?? ticket.ticket }, wsProtocols: ["binary"] });
    rfb.scaleViewport = true;
    rfb.background = "transparent";
    rfb.addEventListener("disconnect", (event) => ended(event.detail.clean));
    return rfb;
}

export function showConsole(main, { vmid }) {
    const screen = h("div", { class: "screen" });
    const status = h("p", { class: "soft", role: "status" }, "Connecting…");
    let rfb = null, Rfb = null, left = false;

    async function open() {
        again.hidden = true;
        status.textContent = "Connecting…";
        screen.replaceChildren();
        try {
            rfb = await connect(Rfb, vmid, screen, (clean) => {
                if (left)
                    return;
                status.textContent = clean ? "The connection has ended." : "There is no connection. Does the virtual machine run?";
                again.hidden = false;
            });
            rfb.addEventListener("connect", () => { status.textContent = "Connected. The keyboard is the guest's while its screen has the focus."; });
        } catch (error) {
            status.replaceChildren(failure(error));
            again.hidden = false;
        }
    }

    const again = button("Connect again", open, { hidden: true });
    main.append(h("p", { class: "crumbs" }, h("a", { href: link("vms") }, "Virtual machines"), " / ", h("a", { href: link("vms", vmid) }, vmid), " / Screen"),
        h("div", { class: "row" }, h("h1", { class: "grow" }, `Screen of VM ${vmid}`), again,
            button("Ctrl+Alt+Del", () => rfb?.sendCtrlAltDel(), { class: "quiet" })), status, screen);
    if (session.token !== null)
        status.replaceChildren(notice("soon", h("p", {}, "A browser sends no API token with a WebSocket: log in with a password to see the screen.")));
    else
        loadNoVnc().then((module) => {
            Rfb = module;
            if (left)
                return;
            if (Rfb === null)
                status.replaceChildren(missing());
            else
                open();
        });
    return () => { left = true; rfb?.disconnect(); };
}
