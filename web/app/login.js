// SPDX-License-Identifier: GPL-2.0-or-later
// Who are you? A password, for people; or an API token, which this tab alone keeps.
import { lastUser, logIn, useToken } from "/app/call.js";
import { h } from "/app/dom.js";
import { busy, copyLine, field, notice } from "/app/parts.js";

function passwordForm(done) {
    const name = h("input", { name: "username", autocomplete: "username", autocapitalize: "off", spellcheck: "false", required: true, value: lastUser() ?? "root@pam" });
    const password = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
    const send = h("button", { type: "submit", class: "wide" }, "Log in");
    return h("form", { class: "stack", onsubmit: (event) => {
        event.preventDefault();
        busy(send, async () => {
            try {
                await logIn(name.value.trim().includes("@") ? name.value.trim() : `${name.value.trim()}@pam`, password.value);
            } catch (error) {
                password.select();
                throw error.status === 401 ? new Error("Name or password is wrong.") : error;
            }
            done();
        });
    } }, field("User", name, "A user of this host is NAME@pam."), field("Password", password), send);
}

function tokenForm(done) {
    const token = h("input", { type: "password", autocomplete: "off", required: true, placeholder: "USER@REALM!ID=SECRET" });
    const send = h("button", { type: "submit", class: "quiet wide" }, "Use this token");
    return h("details", { class: "plain" }, h("summary", {}, "Use an API token instead"),
        h("form", { class: "stack", onsubmit: (event) => {
            event.preventDefault();
            busy(send, async () => {
                try {
                    await useToken(token.value);
                } catch (error) {
                    throw error.status === 401 ? new Error("The token is wrong, or has expired.") : error;
                }
                done();
            });
        } }, field("API token", token, "It is kept in memory, and gone when this tab is closed or loaded again."), send,
        h("p", { class: "soft small" }, "To make one, as root on the host:"),
        copyLine("hostpci create /access/users/root@pam/token/web --privsep 0")));
}

export function showLogin(main, done, why = null) {
    document.title = "Log in · hostpci";
    main.replaceChildren(h("section", { class: "login card" },
        h("h1", {}, "hostpci"),
        h("p", { class: "soft" }, "PCI devices of this host, for virtual machines."),
        why && notice("soon", h("p", {}, why)),
        passwordForm(done), tokenForm(done)));
    main.querySelector(lastUser() === null ? "[name=username]" : "[name=password]").focus();
}
