// SPDX-License-Identifier: GPL-2.0-or-later
// From the part of the address behind # to a view. A view is a function (main, parameters) that fills `main` and returns
// what ends it, if anything needs to be ended.

const routes = [];
let end = null;
let turn = 0;

// "/devices/:id" calls show(main, { id }).
export function route(pattern, title, show) {
    const names = [];
    const source = pattern.replace(/:(\w+)/g, (_, name) => { names.push(name); return "([^/]+)"; });
    routes.push({ expression: new RegExp(`^${source}$`), names, title, show, section: pattern.split("/")[1] });
}

export const link = (...parts) => `#/${parts.map(encodeURIComponent).join("/")}`;

function find(address) {
    for (const entry of routes) {
        const match = address.match(entry.expression);
        if (match)
            return { ...entry, values: Object.fromEntries(entry.names.map((name, i) => [name, decodeURIComponent(match[i + 1])])) };
    }
    return null;
}

export function leave() {
    turn++;
    end?.();
    end = null;
}

// Shows the view of the present address; unknown ones lead to `home`.
export async function follow(main, home, mark) {
    const found = find(location.hash.slice(1));
    if (found === null) {
        location.replace(home);
        return;
    }
    leave();
    const mine = turn;
    main.replaceChildren();
    document.title = `${[found.title, ...Object.values(found.values)].join(" ")} · hostpci`;
    mark(found.section);
    window.scrollTo(0, 0);
    main.focus({ preventScroll: true });
    const ended = await found.show(main, found.values);
    if (mine === turn)
        end = ended;
    else
        ended?.();
}
