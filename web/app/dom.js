// SPDX-License-Identifier: GPL-2.0-or-later
// Makes elements. Strings become text nodes, never markup.

// h("a", { href: "#/", class: "x", onclick: f }, "text", otherNode): null, undefined and false children are left out.
export function h(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
        if (name.startsWith("on"))
            node.addEventListener(name.slice(2), value);
        else if (name === "value" || name === "checked" || name === "indeterminate")
            node[name] = value;
        else if (value !== false && value !== null && value !== undefined)
            node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
    return node;
}

let lastId = 0;
export const uniqueId = () => `id${++lastId}`;

// What a screen reader shall say now.
export function announce(text) {
    document.getElementById("announcer").textContent = text;
}

const shown = new WeakMap();

// Whether `data` is not what `node` shows already: who reads it keeps his place, and the keyboard its focus.
export function isNew(node, ...data) {
    const text = JSON.stringify(data);
    const changed = shown.get(node) !== text;
    shown.set(node, text);
    return changed;
}

// A definition list of [term, value] pairs; those without a value are left out.
export function facts(pairs) {
    const shown = pairs.filter(([, value]) => value !== undefined && value !== null && value !== "");
    return h("dl", { class: "facts" }, shown.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value))));
}

// Columns are { title, narrow } or strings; on a narrow screen a row becomes a block of labelled lines.
export function table(caption, columns, rows) {
    const cell = (value, i) => h("td", { "data-label": columns[i] }, value ?? "");
    return h("table", {}, h("caption", { class: "unseen" }, caption),
        h("thead", {}, h("tr", {}, columns.map((title) => h("th", { scope: "col" }, title)))),
        h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell)))));
}
