/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces of PCI functions, and what the host does through them.
 *
 * An interface is in use if it has an address (a link-local one does not count) or a route, or if it is up
 * and another interface is above it: a bridge, bond or team that it belongs to, a VLAN or macvlan. The
 * addresses and routes of what is above count as its own. Source: Documentation/ABI/testing/sysfs-class-net
 * of the Linux kernel. */
#include "hardware/use/network.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "hardware/paths.h"

#define MOST_INTERFACES 16384
#define MOST_DEPTH      8
#define MOST_ABOVE      256
#define MOST_NAMED      4
#define INTERFACE_UP    0x1 /* IFF_UP */

/* What is known of an interface and those above it. */
struct summary {
    const struct interface_list *list;
    const struct interface *visited[MOST_ABOVE];
    size_t visited_count;
    const struct interface *route; /* has the default route */
    const struct interface *first; /* has an address */
    size_t addresses, more_addresses;
    size_t routes;
    struct text names; /* the addresses */
};

struct interface *interface_find(const struct interface_list *list, const char *name)
{
    size_t low = 0, high = list->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(list->names[middle], name);
        if (order == 0)
            return &list->interfaces[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool has_file(const struct interface_list *list, const struct interface *interface, const char *file)
{
    struct host_path path = path_below(SYS_CLASS_NET, interface->name, file);

    return sysfs_exists(list->uses->root, path.text);
}

/* Links "upper_NAME"; the caller frees the list. */
static char **list_above(const struct interface_list *list, const struct interface *interface)
{
    struct host_path path = path_below(SYS_CLASS_NET, interface->name, "");
    char **names = NULL;

    sysfs_list(list->uses->root, path.text, &names);
    return names;
}

static bool visit(struct summary *all, const struct interface *interface)
{
    for (size_t i = 0; i < all->visited_count; i++)
        if (all->visited[i] == interface)
            return false;
    if (all->visited_count == MOST_ABOVE)
        return false;
    all->visited[all->visited_count++] = interface;
    return true;
}

static void summarize(struct summary *all, const struct interface *interface, size_t depth)
{
    if (interface == NULL || depth > MOST_DEPTH || !visit(all, interface))
        return;
    if (all->route == NULL && interface->default_route.length > 0)
        all->route = interface;
    if (all->first == NULL && interface->address_count > 0)
        all->first = interface;
    if (interface->address_count > 0 && all->addresses < MOST_NAMED)
        text_printf(&all->names, "%s%s", all->addresses > 0 ? ", " : "", text_string(&interface->addresses));
    all->addresses += interface->address_count;
    all->routes += interface->route_count;
    autolist char **names = list_above(all->list, interface);
    for (char **name = names; name != NULL && *name != NULL; name++)
        if (text_starts_with(*name, "upper_"))
            summarize(all, interface_find(all->list, *name + strlen("upper_")), depth + 1);
}

/* ", port of bridge br0, below vlan10" */
static size_t describe_above(const struct interface_list *list, const struct interface *interface,
                             struct text *ret)
{
    struct host_path link = path_below(SYS_CLASS_NET, interface->name, "master");
    autolist char **names = list_above(list, interface);
    char master[64] = "";
    size_t count = 0;

    if (sysfs_read_link_name(list->uses->root, link.text, master, sizeof(master)) > 0) {
        const char *text = has_file(list, interface, "brport")          ? "port of bridge"
                           : has_file(list, interface, "bonding_slave") ? "part of bond"
                                                                        : "part of";
        text_printf(ret, ", %s %s", text, master);
        count++;
    }
    for (char **name = names; name != NULL && *name != NULL; name++) {
        const char *above = *name + strlen("upper_");
        if (!text_starts_with(*name, "upper_") || strcmp(above, master) == 0)
            continue;
        if (count++ < MOST_NAMED)
            text_printf(ret, ", below %s", above);
    }
    if (count > MOST_NAMED)
        text_printf(ret, " and %zu more", count - MOST_NAMED);
    return count;
}

static void describe_facts(const struct summary *all, const struct interface *interface, struct text *ret)
{
    if (all->route != NULL) {
        text_printf(ret, ", carries the default route (%s)", text_string(&all->route->default_route));
        if (all->route != interface)
            text_printf(ret, " of %s", all->route->name);
    }
    if (all->addresses > 0)
        text_printf(ret, ", %s %s", all->addresses > 1 ? "addresses" : "address", text_string(&all->names));
    if (all->routes > 0)
        text_printf(ret, ", %zu more route%s", all->routes, all->routes > 1 ? "s" : "");
}

static bool is_up(const struct interface_list *list, const struct interface *interface, struct text *state)
{
    struct host_path flags_file = path_below(SYS_CLASS_NET, interface->name, "flags");
    struct host_path state_file = path_below(SYS_CLASS_NET, interface->name, "operstate");
    char text[32] = "";
    long long flags = 0;

    sysfs_read_number(list->uses->root, flags_file.text, &flags);
    bool up = (flags & INTERFACE_UP) != 0;
    sysfs_read(list->uses->root, state_file.text, text, sizeof(text));
    text_append(state, up && strcmp(text, "down") == 0 ? "up without carrier" : up ? "up" : "down");
    return up;
}

static const char *choose_evidence(const struct summary *all, const char *otherwise)
{
    const struct interface *source = all->route != NULL ? all->route : all->first;

    return source != NULL ? text_string(&source->evidence) : otherwise;
}

static void report(const struct interface_list *list, const struct interface *interface)
{
    struct summary all = {.list = list};
    autotext struct text facts = {0}, state = {0}, above = {0};

    summarize(&all, interface, 0);
    bool up = is_up(list, interface, &state);
    size_t above_count = describe_above(list, interface, &above);
    describe_facts(&all, interface, &facts);
    bool active = all.route != NULL || all.addresses > 0 || all.routes > 0 || (up && above_count > 0);
    autofree char *evidence = xasprintf("/" SYS_CLASS_NET "/%s/%s", interface->name,
                                        above_count > 0 ? "upper_*"
                                        : up            ? "operstate: up"
                                                        : "flags: down");
    struct host_use use = {.kind = USE_NETWORK,
                           .weight = active ? USE_ACTIVE : USE_IDLE,
                           .name = interface->name,
                           .evidence = choose_evidence(&all, evidence)};
    use_add(list->uses, &interface->owners, use, "interface %s is %s%s%s%s", interface->name,
            text_string(&state), text_string(&facts), text_string(&above),
            active ? "" : ", without addresses and routes");
    text_release(&all.names);
}

static void release_list(struct interface_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        text_release(&list->interfaces[i].addresses);
        text_release(&list->interfaces[i].default_route);
        text_release(&list->interfaces[i].evidence);
    }
    free(list->interfaces);
    sysfs_free_list(&list->names);
}

/* The state of an RDMA device's first port; find_open() in node.c finds who has the device open. */
static void report_rdma(struct host_uses *uses, const char *name, const struct use_owners *owners)
{
    struct host_path file = path_below(SYS_CLASS_INFINIBAND, name, "ports/1/state");
    autofree char *evidence = NULL;
    char state[64] = "unknown";

    sysfs_read(uses->root, file.text, state, sizeof(state));
    evidence = xasprintf("/%s: %s", file.text, state);
    struct host_use use = {.kind = USE_NETWORK, .weight = USE_IDLE, .name = name, .evidence = evidence};
    use_add(uses, owners, use, "RDMA device %s, port 1 is in state %s", name, state);
}

static void find_rdma(struct host_uses *uses)
{
    autolist char **names = NULL;
    struct use_owners owners;

    if (use_list_folder(uses, SYS_CLASS_INFINIBAND, &names) < 0)
        return;
    for (char **name = names; *name != NULL; name++)
        if (use_find_owners(uses, SYS_CLASS_INFINIBAND, *name, &owners))
            report_rdma(uses, *name, &owners);
}

void use_find_network(struct host_uses *uses)
{
    struct interface_list list = {.uses = uses};
    int count = sysfs_list(uses->root, SYS_CLASS_NET, &list.names);

    if (count < 0) {
        use_note(uses, SYS_CLASS_NET, count);
        return;
    }
    if (count > MOST_INTERFACES)
        use_note_reason(uses, SYS_CLASS_NET, "there are more interfaces than are read");
    list.count = count > MOST_INTERFACES ? MOST_INTERFACES : (size_t)count;
    list.interfaces = xcalloc(list.count, sizeof(list.interfaces[0]));
    for (size_t i = 0; i < list.count; i++) {
        list.interfaces[i].name = list.names[i];
        use_find_owners(uses, SYS_CLASS_NET, list.names[i], &list.interfaces[i].owners);
    }
    interface_read_routes(&list);
    for (size_t i = 0; i < list.count; i++)
        if (list.interfaces[i].owners.count > 0)
            report(&list, &list.interfaces[i]);
    release_list(&list);
    find_rdma(uses);
}
