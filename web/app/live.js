// SPDX-License-Identifier: GPL-2.0-or-later
// What changes on the server, from /cluster/events. It is read by fetch, since EventSource sends no API token.
import { credentials } from "/app/call.js";

const RETRY_MILLISECONDS = 3000;
const listeners = new Set();
let reading = null;
let mark = null;

// Calls back with a change, { type, id }, of one of these types; "reset" means that anything may have changed.
// Returns the function that ends that.
export function onChange(types, callback) {
    const listener = (change) => { if (change.type === "reset" || types.includes(change.type)) callback(change); };
    listeners.add(listener);
    return () => listeners.delete(listener);
}

// The same, but several changes in a row are one call, so that a view is not loaded again for each of them.
export function onChanges(types, callback, milliseconds = 150) {
    let timer = null;
    const stop = onChange(types, () => {
        timer ??= setTimeout(() => { timer = null; callback(); }, milliseconds);
    });
    return () => { clearTimeout(timer); stop(); };
}

function take(block) {
    const fields = {};
    for (const line of block.split("\n")) {
        const [, name, value] = line.match(/^([a-z]+): ?(.*)$/) ?? [];
        if (name)
            fields[name] = value;
    }
    if (fields.id)
        mark = fields.id;
    if (fields.data)
        for (const listener of [...listeners])
            listener(JSON.parse(fields.data));
}

async function read(signal) {
    const options = credentials(false);
    const headers = { ...options.headers, Accept: "text/event-stream", ...(mark ? { "Last-Event-ID": mark } : {}) };
    const response = await fetch("/api2/json/cluster/events", { ...options, headers, signal, cache: "no-store" });
    if (!response.ok || response.body === null)
        throw new Error(response.statusText);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
        const blocks = (text + part.value).replaceAll("\r\n", "\n").split("\n\n");
        text = blocks.pop();
        blocks.forEach(take);
    }
}

export async function start() {
    stop();
    const controller = reading = new AbortController();
    while (!controller.signal.aborted) {
        try {
            await read(controller.signal);
        } catch { /* the server is away, or starts again: the same as a stream that ends */ }
        await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
    }
}

export function stop() {
    reading?.abort();
    reading = null;
    mark = null;
}
