// SPDX-License-Identifier: GPL-2.0-or-later
// What several views show: verdicts, checks with their remedies, errors, copied lines, dialogs.
import { call } from "/app/call.js";
import { announce, h, uniqueId } from "/app/dom.js";
import { link } from "/app/route.js";

const VERDICTS = {
    ready: ["Ready", "good"],
    possible: ["Possible", "soon"],
    blocked: ["Blocked", "stop"],
    used: ["In use", "used"],
};
const SEVERITIES = { error: ["Must be fixed", "stop"], warning: ["Warning", "soon"], info: ["Note", "note"], ok: ["OK", "good"] };

const chip = ([text, tone], label = text) => h("span", { class: `chip ${tone}` }, label);
export const verdict = (name) => chip(VERDICTS[name] ?? [name, "note"]);
export const severity = (name) => chip(SEVERITIES[name] ?? [name, "note"]);
export const count = (number, one, many = `${one}s`) => `${number} ${number === 1 ? one : many}`;
export const deviceLink = (id) => h("a", { class: "mono", href: link("devices", id) }, id);
export const deviceName = (device) =>
    [device.vendor_name, device.device_name].filter(Boolean).join(" ") || `${device.vendor}:${device.device}`;

export function button(text, onclick, attributes = {}) {
    return h("button", { type: "button", onclick, ...attributes }, text);
}

export function notice(tone, ...children) {
    return h("div", { class: `notice ${tone}`, role: tone === "stop" ? "alert" : "note" }, children);
}

export const failure = (error) => notice("stop", h("p", {}, error.message));

export function empty(title, ...children) {
    return h("div", { class: "empty" }, h("p", { class: "strong" }, title), children);
}

// Runs `work` while the button is disabled, and shows its error after it.
export async function busy(node, work) {
    const before = node.disabled;
    node.parentElement?.querySelector(":scope > .notice.stop")?.remove();
    node.disabled = true;
    node.setAttribute("aria-busy", "true");
    try {
        return await work();
    } catch (error) {
        node.after(failure(error));
        return undefined;
    } finally {
        node.disabled = before;
        node.removeAttribute("aria-busy");
    }
}

export function copyLine(text) {
    const copy = button("Copy", async () => {
        try {
            await navigator.clipboard.writeText(text);
            copy.textContent = "Copied";
            announce("Copied");
        } catch {
            getSelection().selectAllChildren(code);
            copy.textContent = "Press Ctrl+C";
        }
        setTimeout(() => { copy.textContent = "Copy"; }, 2000);
    }, { class: "quiet small" });
    const code = h("pre", { tabindex: "0", role: "group", "aria-label": "Command" }, text);
    return h("div", { class: "copy" }, code, copy);
}

export function describeCall(action) {
    const values = Object.entries(action.parameters ?? {}).map(([name, value]) => `${name}=${[value].flat().join(" ")}`);
    return [action.method, action.path, ...values].join(" ");
}

// One finding: message, evidence, remedy to copy, and the button that does it, if the API can.
function finding(check, act) {
    const remedy = check.remedy && h("details", { class: "remedy", open: check.severity === "error" || check.severity === "warning" },
        h("summary", {}, "What to do"),
        copyLine(check.remedy),
        check.action && act && h("p", { class: "row" },
            button("Do it now", (event) => act(check.action, event.currentTarget), { title: describeCall(check.action), class: "small" }),
            h("span", { class: "soft" }, "The same, by this page.")));
    return h("li", { class: "finding" }, h("div", { class: "severity" }, severity(check.severity)),
        h("div", { class: "grow" }, h("p", {}, check.message),
            check.evidence && h("p", { class: "soft small mono wrap" }, check.evidence), remedy));
}

// Those that ask for something first; what is well is folded away.
export function checks(list, act) {
    const open = list.filter((check) => check.severity !== "ok");
    const good = list.filter((check) => check.severity === "ok");
    return [
        open.length > 0 ? h("ul", { class: "findings" }, open.map((check) => finding(check, act))) : null,
        good.length > 0 && h("details", { class: "good-ones" },
            h("summary", {}, `${count(good.length, "check")} passed`),
            h("ul", { class: "findings" }, good.map((check) => finding(check, act)))),
    ];
}

// Asks before something is done. `fill(form)` returns its content; `go()` what to do, whose error is shown in place.
export function ask(title, content, verb, go, tone = "") {
    const heading = uniqueId();
    const opener = document.activeElement;
    const confirm = h("button", { type: "submit", class: tone }, verb);
    const actions = h("div", { class: "row end" },
        button("Cancel", () => dialog.close(), { class: "quiet" }), confirm);
    const form = h("form", { onsubmit: (event) => {
        event.preventDefault();
        busy(actions, async () => { confirm.disabled = true; try { await go(form, dialog); } finally { confirm.disabled = false; } });
    } }, h("h2", { id: heading }, title), content, actions);
    const dialog = h("dialog", { "aria-labelledby": heading, onclose: () => { dialog.remove(); opener?.focus?.(); } }, form);
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
}

export function field(label, input, hint) {
    input.id ||= uniqueId();
    const note = hint && h("span", { class: "soft small", id: uniqueId() }, hint);
    if (note)
        input.setAttribute("aria-describedby", note.id);
    return h("div", { class: "field" }, h("label", { for: input.id }, label), input, note);
}

export function tick(label, name, checked = false, hint = null) {
    const input = h("input", { type: "checkbox", name, checked });
    return h("label", { class: "tick" }, input, h("span", {}, label, hint && h("span", { class: "soft small block" }, hint)));
}

export const doAction = (action) => call(action.method, action.path, action.parameters ?? {});

export function bytes(value) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    for (; value >= 1024 && unit < units.length - 1; unit++)
        value /= 1024;
    return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[unit]}`;
}

export const when = (seconds) => new Date(seconds * 1000).toLocaleString();
