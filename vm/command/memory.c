/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory: its size, NUMA nodes, huge pages, and the modules that can be plugged in. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "schema/format.h"
#include "vm/command/parts.h"

#define FIRST_DIMM  512 /* MiB; after 32 modules of one size come modules of twice that size */
#define DIMMS       32
#define SLOTS       255
#define LARGEST_MIB 4194304LL

struct memory {
    long long total, fixed; /* MiB; fixed is what is not in modules */
    bool pluggable;
    long long page; /* MiB of a huge page; 0: ordinary pages */
    bool handed;    /* QEMU opens no file by its name */
};

/* The physical address bits of the processor limit how much can be plugged in; QEMU's default is 40. */
static int largest(const struct vm_build *build, long long *ret, struct error *err)
{
    autojson json_t *cpu = NULL;

    if (vm_value_parts(build->what->config, "cpu", &cpu, err) != 0)
        return -1;
    const char *text = json_text_or(cpu, "phys-bits", NULL);
    long long bits = text != NULL && strcmp(text, "host") != 0 ? strtoll(text, NULL, 10) : 40;
    long long mib = bits > 22 ? 1LL << (bits - 2 - 20) : 1;
    *ret = mib < LARGEST_MIB ? mib : LARGEST_MIB;
    return 0;
}

static int read_memory(const struct vm_build *build, struct memory *memory, struct error *err)
{
    const char *pages = vm_build_text(build, "hugepages");
    autojson json_t *values = NULL;

    if (vm_value_parts(build->what->config, "memory", &values, err) != 0)
        return -1;
    memory->total = memory->fixed = vm_value_number(values, "current", VM_DEFAULT_MEMORY);
    if (memory->total > LARGEST_MIB)
        return error_set_field(err, "memory", "%lld MiB are more than this VM can have: at most %lld",
                               memory->total, LARGEST_MIB);
    memory->handed = build->what->hand != NULL;
    memory->pluggable = vm_value_hotplugs(build->what->config, "memory");
    if (memory->pluggable)
        memory->fixed = VM_STATIC_MEMORY;
    if (pages != NULL)
        memory->page = strcmp(pages, "any") != 0   ? strtoll(pages, NULL, 10)
                       : memory->total % 1024 == 0 ? 1024
                                                   : 2;
    return 0;
}

/* The beginning of a memory object: "memory-backend-ram,id=ram-node0,size=512M". Huge pages in a file of a
 * mounted folder would need one that each VM's user may write to; those without a name are anybody's. */
static int print_backend(const struct memory *memory, const char *id, long long size, struct text *ret,
                         struct error *err)
{
    if (memory->page == 0) {
        text_printf(ret, "memory-backend-ram,id=%s,size=%lldM", id, size);
        return 0;
    }
    if (size % memory->page != 0)
        return error_set_field(err, "hugepages",
                               "the %lld MiB of '%s' are not a multiple of the %lld MiB of a huge page", size,
                               id, memory->page);
    text_printf(ret, "memory-backend-%s,id=%s,size=%lldM,", memory->handed ? "memfd" : "file", id, size);
    if (memory->handed)
        text_printf(ret, "hugetlb=on,hugetlbsize=%lldM", memory->page);
    else
        text_printf(ret, "mem-path=/run/hugepages/kvm/%lldkB", memory->page * 1024);
    text_append(ret, ",share=on,prealloc=yes");
    return 0;
}

/* Prints "0-1;4" as QEMU takes it: ",cpus=0-1,cpus=4". */
static void print_ranges(const char *key, const char *list, struct text *ret)
{
    autosplit char **ranges = format_split_list(list);

    for (char **range = ranges; *range != NULL; range++)
        text_printf(ret, ",%s=%s", key, *range);
}

static int add_node(struct vm_build *build, const struct memory *memory, unsigned node, long long size,
                    const char *extra, const char *cpus, struct error *err)
{
    struct vm_key_name id = vm_key_name("ram-node", node);
    autotext struct text backend = {0}, ranges = {0};

    if (print_backend(memory, id.text, size, &backend, err) != 0)
        return -1;
    print_ranges("cpus", cpus, &ranges);
    vm_build_add(build, VM_HEAD, "-object", "%s%s", text_string(&backend), extra);
    vm_build_add(build, VM_HEAD, "-numa", "node,nodeid=%u%s,memdev=%s", node, text_string(&ranges), id.text);
    return 0;
}

/* Adds a node as numaN describes it: its processors, its memory, and where that is on the host. */
static int add_own_node(struct vm_build *build, const struct memory *memory, unsigned node,
                        const json_t *values, struct error *err)
{
    const char *host_nodes = json_text_or(values, "hostnodes", NULL),
               *policy = json_text_or(values, "policy", NULL);
    autotext struct text extra = {0};

    double size = json_number_value(json_object_get(values, "memory"));
    if (json_object_get(values, "memory") == NULL)
        return error_set_field(err, vm_key_name("numa", node).text, "numa%u: missing NUMA memory value",
                               node);
    if (size < 0 || size > (double)LARGEST_MIB)
        return error_set_field(err, vm_key_name("numa", node).text,
                               "numa%u: memory must be from 0 to %lld MiB, not %.16g", node, LARGEST_MIB,
                               size);
    if (host_nodes == NULL && policy != NULL)
        return error_set_field(err, vm_key_name("numa", node).text, "numa%u: policy needs hostnodes", node);
    if (host_nodes != NULL) {
        print_ranges("host-nodes", host_nodes, &extra);
        text_printf(&extra, ",policy=%s", policy != NULL ? policy : "preferred");
    }
    return add_node(build, memory, node, vm_value_number(values, "memory", 0), text_string(&extra),
                    json_text_or(values, "cpus", NULL), err);
}

/* Adds the nodes that numaN describe; *ret is how many there are. */
static int add_own_nodes(struct vm_build *build, const struct memory *memory, unsigned *ret,
                         struct error *err)
{
    long long total = 0;
    unsigned count = 0;

    for (unsigned i = 0; i < VM_NUMAS; i++) {
        struct vm_key_name key = vm_key_name("numa", i);
        autojson json_t *values = NULL;
        if (vm_value_parts(build->what->config, key.text, &values, err) != 0)
            return -1;
        if (json_object_size(values) == 0)
            continue;
        if (i != count)
            return error_set_field(err, vm_key_name("numa", i).text, "numa%u: missing numa%u before it", i,
                                   count);
        if (add_own_node(build, memory, i, values, err) != 0)
            return -1;
        total += vm_value_number(values, "memory", 0);
        count++;
    }
    if (count > 0 && total != memory->fixed)
        return error_set_field(
            err, "memory",
            "total memory for NUMA nodes must be equal to the VM's memory: %lld is not %lld MiB", total,
            memory->fixed);
    *ret = count;
    return 0;
}

/* Without numaN, adds a node for each socket. */
static int add_socket_nodes(struct vm_build *build, const struct memory *memory, unsigned *ret,
                            struct error *err)
{
    unsigned sockets = (unsigned)vm_build_number(build, "sockets", 1),
             cores = (unsigned)vm_build_number(build, "cores", 1);

    if (memory->fixed % sockets != 0)
        return error_set_field(err, "memory", "%lld MiB cannot be shared evenly by %u sockets", memory->fixed,
                               sockets);
    for (unsigned i = 0; i < sockets; i++) {
        char cpus[32];
        snprintf(cpus, sizeof(cpus), cores == 1 ? "%u" : "%u-%u", i * cores, (i + 1) * cores - 1);
        if (add_node(build, memory, i, memory->fixed / sockets, "", cpus, err) != 0)
            return -1;
    }
    *ret = sockets;
    return 0;
}

/* Adds the memory beyond the first gigabyte as modules, which go to the nodes in turn. */
static int add_modules(struct vm_build *build, const struct memory *memory, unsigned nodes, struct error *err)
{
    long long size = FIRST_DIMM, have = memory->fixed;

    assert(nodes > 0);
    for (unsigned i = 0; have < memory->total; i++) {
        struct vm_key_name id = vm_key_name("mem-dimm", i);
        autotext struct text backend = {0};
        if (i > 0 && i % DIMMS == 0)
            size *= 2;
        if (i == SLOTS || have + size > memory->total)
            return error_set_field(
                err, "memory",
                "%lld MiB cannot be made of modules: after %lld MiB the next module has %lld MiB",
                memory->total, have, size);
        if (print_backend(memory, id.text, size, &backend, err) != 0)
            return -1;
        vm_build_add(build, VM_HEAD, "-object", "%s", text_string(&backend));
        vm_build_add(build, VM_HEAD, "-device", "pc-dimm,id=dimm%u,memdev=%s,node=%u", i, id.text, i % nodes);
        have += size;
    }
    return 0;
}

int vm_build_add_memory(struct vm_build *build, struct error *err)
{
    struct memory memory = {0};
    long long limit;
    unsigned nodes = 0;

    if (read_memory(build, &memory, err) != 0 || largest(build, &limit, err) != 0)
        return -1;
    if (memory.pluggable)
        vm_build_add(build, VM_HEAD, "-m", "size=%lld,slots=%d,maxmem=%lldM", memory.fixed, SLOTS, limit);
    else
        vm_build_add(build, VM_HEAD, "-m", "%lld", memory.total);
    if (vm_build_number(build, "numa", 0) == 0)
        return 0;
    if (add_own_nodes(build, &memory, &nodes, err) != 0)
        return -1;
    if (nodes == 0 && add_socket_nodes(build, &memory, &nodes, err) != 0)
        return -1;
    return memory.pluggable ? add_modules(build, &memory, nodes, err) : 0;
}
