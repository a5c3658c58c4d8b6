// SPDX-License-Identifier: GPL-2.0-or-later
// What was done on this host, by whom, how it ended; and one task's log.
import { call, get, path } from "/app/call.js";
import { facts, h, table } from "/app/dom.js";
import { onChanges } from "/app/live.js";
import { busy, button, empty, failure, when } from "/app/parts.js";
import { link } from "/app/route.js";
import { result, taskTitle, watchTask } from "/app/task.js";

const SHOWN = 100;

function row(task) {
    const failed = !["OK", "RUNNING"].includes(task.status);
    return [h("a", { href: link("tasks", task.upid) }, taskTitle(task.type, task.id)),
        h("span", {}, result(task.status), failed && h("span", { class: "block small soft wrap" }, task.status)),
        when(task.starttime), task.endtime ? `${Math.max(0, task.endtime - task.starttime)} s` : "", task.user + (task.tokenid ? `!${task.tokenid}` : "")];
}

export function showTasks(main) {
    const list = h("div", {}, h("p", { class: "soft" }, "Reading the tasks…"));
    async function load() {
        try {
            const tasks = await get("/nodes/localhost/tasks", { source: "all", limit: SHOWN });
            list.replaceChildren(tasks.length === 0 ? empty("Nothing has been done yet.", h("p", { class: "soft" }, "What you change is listed here, with its log."))
                : h("section", { class: "card" }, table("Tasks, the newest first", ["Task", "Result", "Began", "Took", "By"], tasks.map(row))));
        } catch (error) {
            list.replaceChildren(failure(error));
        }
    }
    main.append(h("h1", {}, "Tasks"), list);
    load();
    return onChanges(["task"], load, 300);
}

export function showTask(main, { upid }) {
    const controller = new AbortController();
    const [, , , , started, type, id, user] = upid.split(":");
    const stop = button("Stop", () => busy(stop, () => call("DELETE", path`/nodes/localhost/tasks/${upid}`)), { class: "quiet" });
    main.append(h("p", { class: "crumbs" }, h("a", { href: link("tasks") }, "Tasks"), " / ", taskTitle(type, id)),
        h("h1", {}, taskTitle(type, id)),
        h("section", { class: "card" }, facts([["Began", when(parseInt(started, 16))], ["By", user]]),
            watchTask(upid, () => stop.remove(), controller.signal), h("p", { class: "row" }, stop)));
    return () => controller.abort();
}
