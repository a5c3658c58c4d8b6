// SPDX-License-Identifier: GPL-2.0-or-later
// The page: this host's devices, and the API's documentation made from openapi.json.
// Everything that came from elsewhere becomes text nodes, never markup.
"use strict";

const TOKEN_KEY = "hostpci-token";
const METHODS = ["get", "post", "put", "delete"];
const COMMANDS = { get: "get", post: "create", put: "set", delete: "delete" };
const DEVICES_PATH = "/nodes/localhost/hardware/pci";
const DEVICE_OPERATION = "get_nodes_node_hardware_pci_pci_id_or_mapping_status";
let api = null; // the OpenAPI document

const byId = (id) => document.getElementById(id);

function element(tag, properties, ...children) {
    const node = Object.assign(document.createElement(tag), properties);
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
}

function table(columns, rows) {
    const cell = (value, i) => {
        const td = element("td", {}, value ?? "");
        td.dataset.label = columns[i];
        return td;
    };
    const head = columns.map((name) => element("th", { scope: "col" }, name));
    const body = rows.map((row) => element("tr", {}, ...row.map(cell)));
    return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body));
}

// --- calling the API

function currentToken() {
    return sessionStorage.getItem(TOKEN_KEY) ?? "";
}

async function callApi(method, path, parameters) {
    const inBody = method === "post" || method === "put";
    const query = new URLSearchParams(parameters);
    const token = currentToken();
    const start = performance.now();
    const response = await fetch(api.servers[0].url + path + (inBody || `${query}` === "" ? "" : `?${query}`), {
        method: method.toUpperCase(),
        headers: token !== "" ? { Authorization: `PVEAPIToken=${token}` } : {},
        body: inBody ? query : undefined,
        credentials: "omit",
        cache: "no-store",
    });
    const text = await response.text();
    return {
        ok: response.ok,
        status: `${response.status} ${response.statusText}`,
        milliseconds: Math.round(performance.now() - start),
        reply: text === "" ? null : JSON.parse(text),
    };
}

// --- devices

function deviceRow(device) {
    const name = [device.vendor_name || device.vendor, device.device_name || device.device].join(" ");
    const group = device.iommugroup < 0 ? "none" : String(device.iommugroup);
    return [deviceLink(device.id), name, device.driver || "none", group];
}

function deviceLink(id) {
    const link = element("a", { href: `#${DEVICE_OPERATION}` }, id);
    link.title = `All about ${id}`;
    link.addEventListener("click", () => showDevice(id));
    return link;
}

function showDevice(id) {
    const operation = byId(DEVICE_OPERATION);
    openOperation(operation);
    operation.querySelector("[name=pci-id-or-mapping]").value = id;
    operation.querySelector("form").requestSubmit();
}

function describeDevices(devices) {
    const groups = new Set(devices.map((device) => device.iommugroup).filter((group) => group >= 0)).size;
    const count = `${devices.length} PCI device${devices.length === 1 ? "" : "s"}`;
    if (groups === 0)
        return `${count}, none in an IOMMU group: the IOMMU is switched off, or this machine has none.`;
    return `${count} in ${groups} IOMMU group${groups === 1 ? "" : "s"}.`;
}

async function showDevices() {
    const hasToken = currentToken() !== "";
    byId("devices-help").hidden = hasToken;
    byId("forget").hidden = byId("refresh").hidden = !hasToken;
    byId("devices").replaceChildren();
    byId("devices-note").textContent = hasToken ? "Asking …" : "";
    if (!hasToken)
        return;
    try {
        const answer = await callApi("get", DEVICES_PATH, { "pci-class-blacklist": "" });
        byId("devices-note").textContent = answer.ok ? describeDevices(answer.reply.data) : `Not shown: ${answer.status}`;
        if (answer.ok)
            byId("devices").append(table(["Device", "Name", "Driver", "IOMMU group"], answer.reply.data.map(deviceRow)));
    } catch (error) {
        byId("devices-note").textContent = `Not shown: ${error.message}`;
    }
}

function useToken(event) {
    event.preventDefault();
    sessionStorage.setItem(TOKEN_KEY, byId("token").value.trim().replace(/^PVEAPIToken[= ]/, ""));
    byId("token").value = "";
    showDevices();
}

function forgetToken() {
    sessionStorage.removeItem(TOKEN_KEY);
    showDevices();
    byId("token").focus();
}

// --- what a declaration says

function typeName(schema) {
    if (schema.type === "array")
        return `list of ${typeName(schema.items)}`;
    return isBoolean(schema) ? "boolean" : schema.type;
}

function isBoolean(schema) {
    return schema.type === "integer" && schema.enum?.join() === "0,1";
}

function limits(schema) {
    const of = schema.items ?? schema;
    const parts = [];
    if (of.enum)
        parts.push(of.enum.join(", "));
    if (of.minimum !== undefined)
        parts.push(of.maximum !== undefined ? `${of.minimum} to ${of.maximum}` : `at least ${of.minimum}`);
    if (of.format)
        parts.push(of.format);
    if (of.pattern)
        parts.push(of.pattern);
    if (of.maxLength)
        parts.push(`at most ${of.maxLength} bytes`);
    return parts.join("; ");
}

function fallback(schema) {
    const value = schema.default ?? schema["x-default"];
    return value === undefined ? "" : String(value);
}

function explanation(schema) {
    return [schema.description, schema.items?.description].filter(Boolean).join(" ");
}

// The fields of an object: {name, title, schema}. Those that share a schema, as hostpci0 to hostpci15, are one.
function fieldsOf(properties) {
    const fields = [];
    for (const [name, schema] of Object.entries(properties)) {
        const last = fields.at(-1);
        if (schema.$ref && last?.reference === schema.$ref)
            last.title = `${last.name} to ${name}`;
        else
            fields.push({ name, title: name, reference: schema.$ref, schema: resolve(schema) });
    }
    return fields;
}

// Every parameter alike, wherever it is sent: {name, title, schema, required}.
function parametersOf(operation) {
    const body = operation.requestBody?.content["application/x-www-form-urlencoded"].schema ?? { properties: {} };
    const inBody = fieldsOf(body.properties).map((field) => ({
        ...field, required: body.required?.includes(field.name) ?? false,
    }));
    return [...(operation.parameters ?? []).map((parameter) => ({ ...parameter, title: parameter.name })), ...inBody];
}

// A row for each field of a reply, nested ones by their path: "devices[].id".
function fieldRows(schema, path, required) {
    const row = [path || "data", typeName(schema), required ? "always" : "", limits(schema), schema.description];
    const inner = schema.type === "array" ? schema.items : schema;
    const prefix = path + (schema.type === "array" ? "[]" : "");
    const rows = fieldsOf(inner.properties ?? {}).flatMap(({ name, title, schema: field }) =>
        fieldRows(field, prefix === "" ? title : `${prefix}.${title}`, inner.required?.includes(name)));
    return path === "" && rows.length > 0 ? rows : [row, ...rows];
}

function resolve(object) {
    return object.$ref ? object.$ref.split("/").slice(1).reduce((node, key) => node[key], api) : object;
}

// --- documentation of an operation

function parameterTable(operation) {
    const rows = parametersOf(operation).map(({ title, schema, required }) =>
        [title, typeName(schema), required ? "yes" : "no", fallback(schema), limits(schema), explanation(schema)]);
    if (rows.length === 0)
        return element("p", { className: "soft" }, "None.");
    return table(["Name", "Type", "Required", "Default", "Limits", "Meaning"], rows);
}

function replyTable(operation) {
    const { data } = operation.responses["200"].content["application/json"].schema.properties;
    return table(["Field", "Type", "Present", "Limits", "Meaning"], fieldRows(data, "", true));
}

function errorTable(operation) {
    const failures = Object.entries(operation.responses).filter(([status]) => status !== "200");
    return table(["Status", "Meaning"], failures.map(([status, response]) => [status, resolve(response).description]));
}

function fillOperation(details, method, path, operation) {
    const texts = operation.description.split("\n\n").filter((text) => text !== operation.summary);
    const heading = (text) => element("h4", {}, text);
    const reply = operation.responses["200"].content["application/json"].schema.properties.data;
    details.append(element("div", {},
        ...texts.map((text) => element("p", {}, text)),
        heading("Parameters"), parameterTable(operation),
        heading("Try it"), tryForm(method, path, operation),
        heading(`Reply: ${typeName(reply)}`), replyTable(operation),
        heading("Errors"), errorTable(operation)));
}

// --- trying an operation out

function setDefault(select, schema) {
    select.value = schema.default ?? schema.enum[0];
    return select;
}

// A path's "." and ".." would be another path to the browser.
function inputFor(id, { name, schema, required, in: place }) {
    const values = schema.enum?.map((value) => element("option", {}, String(value)));
    if (values)
        return setDefault(element("select", { id, name, required }, ...values), schema);
    if (schema.type === "array")
        return element("textarea", { id, name, required, rows: 3 });
    const value = name === "node" ? "localhost" : "";
    const pattern = place === "path" ? ".*[^.].*" : ".*";
    return element("input", { id, name, required, value, pattern, placeholder: fallback(schema), autocomplete: "off", spellcheck: false });
}

// An optional one has a box that says whether it is sent: the empty string is a value too.
function fieldFor(operationId, parameter) {
    const input = inputFor(`${operationId}-${parameter.name}`, parameter);
    const label = element("label", { htmlFor: input.id }, parameter.name);
    const send = parameter.required ? null : element("input", { type: "checkbox", className: "send" });
    send?.setAttribute("aria-label", `Send ${parameter.name}`);
    input.addEventListener("input", () => { if (send) send.checked = true; });
    const hint = parameter.schema.type === "array" ? element("span", { className: "soft" }, "One value per line.") : null;
    return element("div", { className: "field" }, element("span", { className: "check" }, send, label), input, hint);
}

function collect(form) {
    const values = [];
    for (const field of form.querySelectorAll(".field")) {
        const input = field.querySelector("[name]");
        if (field.querySelector(".send")?.checked ?? true)
            for (const value of input.tagName === "TEXTAREA" ? input.value.split("\n").filter(Boolean) : [input.value])
                values.push([input.name, value]);
    }
    return values;
}

function quote(text) {
    return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function commandLines(method, path, values) {
    const inQuery = (method === "get" || method === "delete") && values.length > 0 ? " -G" : "";
    const verb = method === "get" ? "" : ` -X ${method.toUpperCase()}`;
    const data = values.map(([name, value]) => ` \\\n    --data-urlencode ${quote(`${name}=${value}`)}`).join("");
    const trust = location.protocol === "https:" ? " --cacert tls.pem" : "";
    const url = location.origin + api.servers[0].url + path;
    const options = values.map(([name, value]) => ` --${name} ${quote(value)}`).join("");
    return `hostpci ${COMMANDS[method]} ${quote(decodeURIComponent(path))}${options}\n` +
        `curl${trust}${verb}${inQuery} -H "Authorization: PVEAPIToken=$TOKEN" ${quote(url)}${data}`;
}

function showAnswer(output, answer) {
    output.replaceChildren(
        element("p", { className: answer.ok ? "" : "answer-bad" }, `${answer.status} (${answer.milliseconds} ms)`),
        element("pre", {}, answer.reply === null ? "(no body)" : JSON.stringify(answer.reply, null, 2)));
}

async function submit(form, method, template) {
    const [commands, output] = form.querySelectorAll(".commands, .answer");
    const values = collect(form);
    const path = template.replace(/{([^}]+)}/g, (_, name) =>
        encodeURIComponent(values.find(([given]) => given === name)[1]).replaceAll("%3A", ":").replaceAll("%40", "@"));
    const rest = values.filter(([name]) => !template.includes(`{${name}}`));
    const button = form.querySelector("button");
    commands.replaceChildren(element("pre", {}, commandLines(method, path, rest)));
    button.disabled = true;
    try {
        showAnswer(output, await callApi(method, path, rest));
    } catch (error) {
        output.replaceChildren(element("p", { className: "answer-bad" }, `No answer: ${error.message}`));
    }
    button.disabled = false;
    form.querySelectorAll(".confirm").forEach((box) => { box.checked = false; });
}

function tryForm(method, path, operation) {
    const changes = method !== "get";
    const parameters = parametersOf(operation);
    const hint = element("span", { className: "soft" }, "An optional parameter is only sent if its box is ticked.");
    const confirm = element("label", {}, element("input", { type: "checkbox", className: "confirm", required: true }),
        "Yes, change this host.");
    const form = element("form", { className: changes ? "try change" : "try" },
        ...parameters.map((parameter) => fieldFor(operation.operationId, parameter)),
        parameters.every((parameter) => parameter.required) ? null : hint,
        element("div", { className: "send-row" }, changes ? confirm : null,
            element("button", { type: "submit" }, `Send ${method.toUpperCase()}`)),
        element("div", { className: "commands" }),
        element("div", { className: "answer", role: "status" }));
    form.addEventListener("submit", (event) => {
        event.preventDefault();
        submit(form, method, path);
    });
    return form;
}

// --- the reference

function operationDetails({ method, path, operation }) {
    const details = element("details", { id: operation.operationId, className: method === "get" ? "operation" : "operation change" },
        element("summary", {}, element("span", { className: "method" }, method.toUpperCase()),
            element("span", { className: "path" }, path), element("span", { className: "soft" }, operation.summary)));
    details.fill = () => fillOperation(details, method, path, operation);
    details.addEventListener("toggle", () => { if (details.open) openOperation(details); });
    return details;
}

// The inside is made when it is first looked at.
function openOperation(details) {
    details.fill?.();
    details.fill = null;
    details.open = true;
}

function operationsByTag() {
    const all = Object.entries(api.paths).flatMap(([path, item]) => METHODS.filter((method) => item[method])
        .map((method) => ({ method, path, operation: item[method] })));
    const groups = new Map(all.map(({ operation }) => [operation.tags[0], []]));
    all.forEach((entry) => groups.get(entry.operation.tags[0]).push(entry));
    return groups;
}

function showReference() {
    for (const [tag, entries] of operationsByTag()) {
        const title = element("h3", { id: `tag-${tag}` }, tag);
        byId("operations").append(element("div", { className: "group" }, title, ...entries.map(operationDetails)));
        byId("tags").append(element("a", { href: `#${title.id}` }, tag));
    }
}

function filterReference() {
    const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const group of document.querySelectorAll(".group")) {
        const operations = [...group.querySelectorAll(".operation")];
        for (const operation of operations) {
            const text = operation.querySelector("summary").textContent.toLowerCase();
            operation.hidden = !words.every((word) => text.includes(word));
        }
        group.hidden = operations.every((operation) => operation.hidden);
    }
    const none = document.querySelector(".group:not([hidden])") === null;
    byId("reference-note").textContent = none ? "No operation matches." : "";
}

function openLinked() {
    const target = byId(decodeURIComponent(location.hash.slice(1)));
    if (target?.matches(".operation")) {
        openOperation(target);
        target.scrollIntoView();
    }
}

async function start() {
    byId("login").addEventListener("submit", useToken);
    byId("forget").addEventListener("click", forgetToken);
    byId("refresh").addEventListener("click", showDevices);
    byId("filter").addEventListener("input", filterReference);
    window.addEventListener("hashchange", openLinked);
    try {
        api = await (await fetch("/openapi.json")).json();
    } catch (error) {
        byId("reference-note").textContent = `The documentation could not be loaded: ${error.message}`;
        return;
    }
    byId("about").textContent = `Version ${api.info.version} · ${api.info.description}`;
    showReference();
    openLinked();
    showDevices();
}

start();
