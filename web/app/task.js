// SPDX-License-Identifier: GPL-2.0-or-later
// A task's log while it runs. The task goes on when the page is left; its own page shows it again.
import { get, path } from "/app/call.js";
import { announce, h } from "/app/dom.js";
import { onChange } from "/app/live.js";
import { failure } from "/app/parts.js";
import { link } from "/app/route.js";

const LOOK_MILLISECONDS = 1000; // in case that no event tells

export const isUpid = (value) => typeof value === "string" && value.startsWith("UPID:");

const TYPES = {
    pcidriver: "Driver of", pcireset: "Reset of", pcisriov: "Virtual functions of", pcimdev: "Mediated device of",
    pcipower: "Power of", pcirom: "ROM of", pcivfio: "Settings for passthrough", qmstart: "Start VM", qmstop: "Stop VM",
    qmshutdown: "Shut down VM", qmcreate: "Create VM", qmconfig: "Configure VM", qmdestroy: "Delete VM",
    vncproxy: "Console of VM", qmreboot: "Restart VM", qmreset: "Reset VM", qmcleanup: "End of VM",
};
export const taskTitle = (type, id) => `${TYPES[type] ?? type} ${id ?? ""}`.trim();

export function result(status) {
    const good = status === "OK", warned = status?.startsWith("WARNINGS");
    const [text, tone] = status === undefined || status === "RUNNING" ? ["Running", "busy"]
        : good ? ["Done", "good"] : warned ? ["Done, with warnings", "soon"] : ["Failed", "stop"];
    return h("span", { class: `chip ${tone}` }, text);
}

// Shows the log of `upid` in the node it returns, until `signal` is aborted. ended(status) is called once.
export function watchTask(upid, ended = () => {}, signal = undefined) {
    const log = h("pre", { class: "log", tabindex: "0", role: "log", "aria-label": "Log of the task" });
    const state = h("span", {}, result());
    const node = h("div", { class: "task" }, h("p", { class: "row" }, state,
        h("a", { class: "small", href: link("tasks", upid) }, "Its own page")), log);
    let lines = 0, over = false, waiting = null;

    async function readLog() {
        const rows = await get(path`/nodes/localhost/tasks/${upid}/log`, { start: lines, limit: 500 }, signal);
        const real = rows.filter((row) => row.n > lines && !(row.t === "no content"));
        lines += real.length;
        if (real.length === 0)
            return;
        const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 8;
        log.append(real.map((row) => `${row.t}\n`).join(""));
        if (atEnd)
            log.scrollTop = log.scrollHeight;
    }

    async function look() {
        clearTimeout(waiting);
        const status = await get(path`/nodes/localhost/tasks/${upid}/status`, {}, signal);
        await readLog();
        if (over || signal?.aborted)
            return;
        if (status.status === "stopped") {
            over = true;
            stop();
            state.replaceChildren(result(status.exitstatus));
            if (status.exitstatus !== "OK")
                log.after(failure(new Error(status.exitstatus)));
            announce(status.exitstatus === "OK" ? "The task is done." : `The task has ended: ${status.exitstatus}`);
            ended(status.exitstatus);
        } else {
            waiting = setTimeout(tryLook, LOOK_MILLISECONDS);
        }
    }

    const tryLook = () => look().catch((error) => {
        if (error.name !== "AbortError")
            waiting = setTimeout(tryLook, 3 * LOOK_MILLISECONDS);
    });
    const stop = onChange(["task"], (change) => { if (!over && (change.type === "reset" || change.id === upid)) tryLook(); });
    signal?.addEventListener("abort", () => { clearTimeout(waiting); stop(); });
    tryLook();
    return node;
}
