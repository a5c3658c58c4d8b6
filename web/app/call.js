// SPDX-License-Identifier: GPL-2.0-or-later
// Calls the API, as whoever is logged in: by the cookie that only the browser can read, with the CSRF token that
// belongs to it, or by an API token, which is kept in memory alone.

const BASE = "/api2/json";
const HINT = "hostpci-user"; // who was logged in last: whether it is worth asking at all

export const session = { user: null, csrf: null, token: null, cap: {}, ended: null };

export class CallError extends Error {
    constructor(status, message, fields = {}) {
        super(message);
        this.status = status;
        this.fields = fields;
    }
}

export function formOf(parameters) {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters))
        if (value !== undefined && value !== null)
            for (const one of [value].flat())
                form.append(name, one === true ? "1" : one === false ? "0" : one);
    return form;
}

export function credentials(changes) {
    if (session.token !== null)
        return { headers: { Authorization: `PVEAPIToken=${session.token}` }, credentials: "omit" };
    return { headers: changes && session.csrf !== null ? { CSRFPreventionToken: session.csrf } : {}, credentials: "same-origin" };
}

async function readError(response) {
    const text = await response.text();
    let reply = {};
    try {
        reply = JSON.parse(text);
    } catch { /* a 401 has no body, a proxy's error is no JSON */ }
    const errors = Object.entries(reply.errors ?? {}).map(([name, message]) => `${name}: ${message}`);
    const message = [(reply.message ?? response.statusText).trim(), ...errors].filter(Boolean).join(" ");
    return new CallError(response.status, message || `The server answered with status ${response.status}.`, reply.errors);
}

// The path's parts are given apart: path`/nodes/${node}/status`.
export function path(strings, ...values) {
    return strings.reduce((all, string, i) => all + encodeURIComponent(values[i - 1]) + string);
}

export async function call(method, target, parameters = {}, signal = undefined) {
    const inBody = method === "POST" || method === "PUT";
    const form = formOf(parameters);
    const url = BASE + target + (inBody || form.size === 0 ? "" : `?${form}`);
    const options = { method, signal, body: inBody ? form : undefined, ...credentials(method !== "GET") };
    let response;
    try {
        response = await fetch(url, options);
    } catch (error) {
        if (error.name === "AbortError")
            throw error;
        throw new CallError(0, "The server does not answer. Is hostpci running, and the network up?");
    }
    if (response.ok)
        return (await response.json()).data;
    const error = await readError(response);
    if (response.status === 401 && target !== "/access/session" && session.user !== null)
        session.ended?.(error.message);
    throw error;
}

export const get = (target, parameters, signal) => call("GET", target, parameters, signal);

function enter(data) {
    session.user = data.username;
    session.csrf = data.CSRFPreventionToken;
    session.cap = data.cap;
    localStorage.setItem(HINT, data.username);
}

export async function logIn(username, password) {
    enter(await call("POST", "/access/session", { username, password }));
}

export async function useToken(token) {
    session.token = token.trim().replace(/^PVEAPIToken[= ]/, "");
    try {
        await call("GET", "/access/permissions");
    } catch (error) {
        session.token = null;
        throw error;
    }
    session.user = session.token.split("=")[0];
}

export const lastUser = () => localStorage.getItem(HINT);

// True if the browser still has the cookie of a login.
export async function resume() {
    if (lastUser() === null)
        return false;
    try {
        enter(await get("/access/session"));
        return true;
    } catch {
        return false;
    }
}

// Before the two hours of a ticket are over.
export function keepAlive() {
    return setInterval(() => { if (session.csrf !== null) resume(); }, 45 * 60 * 1000);
}

export async function logOut() {
    if (session.token === null)
        await call("DELETE", "/access/session").catch(() => {});
    localStorage.removeItem(HINT);
    forget();
}

export function forget() {
    Object.assign(session, { user: null, csrf: null, token: null, cap: {} });
}
