/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The requests of Proxmox VE's own web interface, of the Terraform providers of bpg and Telmate, and of
 * Ansible's proxmox_kvm. The guest speaks as an agent on an ISA serial port and runs without KVM, and its
 * disks bear the lab's folders, which are in memory (cache); else the values are those that the clients send
 * by default. */
#include <stddef.h>

#include "tests/api/vm.h"
#include "tests/api/walk.h"

#define NODE_PATH "/nodes/" NODE
#define STORE     NODE_PATH "/storage/local"
#define VM        QEMU "/100"
#define RUN       NODE_PATH "/tasks/{upid}"
#define GONE      "Configuration file 'nodes/" NODE "/qemu-server/100.conf' does not exist\n"
#define ADDRESS                                                                                              \
    "{'result':[{'name':'e0','ip-addresses':[{'ip-address-type':'ipv4','ip-address':'10.0.2.15','prefix':24" \
    "}]}]}"
#define STOPPED                      "{'vmid':100,'status':'stopped','qmpstatus':'stopped','uptime':0}"
#define RUNS                         "{'vmid':100,'status':'running','qmpstatus':'running','agent':1}"
#define ENDS                         "{'status':'stopped','exitstatus':'OK'}"
#define DISC                         "[{'volid':'local:iso/guest.iso','content':'iso','format':'iso','size':43008}]"

#define ASK(verb, place, body, data) {.method = (verb), .path = (place), .form = (body), .gives = (data)}
#define GET(place, data)             {.method = "GET", .path = (place), .gives = (data)}
#define UNTIL(place, data)           {.method = "GET", .path = (place), .gives = (data), .way = WALK_UNTIL}
#define FAILS(place, text)           {.method = "GET", .path = (place), .fails = (text)}
#define TASK(verb, place, body)      {.method = (verb), .path = (place), .form = (body), .way = WALK_TASK}
#define SCREEN(place, body)          {.method = "POST", .path = (place), .form = (body), .way = WALK_SCREEN}
#define UPLOAD                       {.method = "POST", .path = STORE "/upload", .way = WALK_UPLOAD}

/* ExtJS sends "extjs" requests where a failure shall be shown, and "json" for its stores. */
static const struct walk_step interface[] = {
    GET("/version", NULL),
    GET("/cluster/resources", NULL),
    GET("/cluster/tasks", NULL),
    GET("/cluster/status", "[{'type':'node','name':'" NODE "','online':1}]"),
    GET("/nodes/localhost/subscription", NULL),
    GET(STORE "/status", "{'type':'dir','active':1}"),
    UPLOAD,
    GET("/api2/extjs/cluster/nextid", "'100'"),
    GET("/api2/extjs/cluster/nextid?vmid=100", "'100'"),
    GET("/pools", "[]"),
    GET("/nodes", "[{'node':'" NODE "','status':'online','type':'node'}]"),
    GET(NODE_PATH "/storage?format=1&content=iso", "[{'storage':'local','type':'dir'}]"),
    GET(STORE "/content?content=iso", DISC),
    GET(NODE_PATH "/storage?format=1&content=images", "[{'storage':'local','active':1}]"),
    GET(NODE_PATH "/network?type=any_bridge", NULL),
    GET("/nodes/localhost/capabilities/qemu/cpu", "[{'name':'qemu64'}]"),
    GET("/nodes/localhost/capabilities/qemu/machines", "[{'type':'q35'}]"),
    GET("/nodes/localhost/capabilities/qemu/cpu-flags", NULL),
    TASK("POST", "/api2/extjs" QEMU,
         "vmid=100&name=guest&ostype=l26&machine=q35&bios=seabios&scsihw=virtio-scsi-single&"
         "ide2=local%3Aiso%2Fguest.iso%2Cmedia%3Dcdrom&scsi0=local%3A1%2Ccache%3Dwriteback%2Ciothread%3Don&"
         "sockets=1&cores=1&"
         "numa=0&"
         "cpu=qemu64&memory=64&agent=enabled%3D1%2Ctype%3Disa"),
    GET("/api2/extjs" RUN "/status", ENDS),
    GET(RUN "/log?start=0&limit=50", "[{'t':'TASK OK'}]"),
    GET("/cluster/resources", "[{'id':'qemu/100','name':'guest','status':'stopped'}]"),
    GET(NODE_PATH "/storage?format=1&content=images", NULL),
    GET("/cluster/mapping/pci?check-node=" NODE, NULL),
    GET("/api2/extjs" VM "/config",
        "{'scsi0':'local:100/vm-100-disk-0.raw,cache=writeback,iothread=1,size=1G','ide2':'local:iso/"
        "guest.iso,media=cdrom,size=42K'}"),
    ASK("PUT", "/api2/extjs" VM "/config", "kvm=0&digest={digest}{device}", NULL),
    GET(VM "/pending", "[{'key':'kvm','value':0},{'key':'machine','value':'q35'}]"),
    GET(VM "/status/current", STOPPED),
    GET(VM "/rrddata?timeframe=hour&cf=AVERAGE", NULL),
    GET(VM "/snapshot", "[{'name':'current','running':0}]"),
    GET(VM "/feature?feature=snapshot", "{'hasFeature':0}"),
    GET("/api2/extjs" VM "/cloudinit", NULL),
    GET(NODE_PATH "/replication?guest=100", "[]"),
    GET(VM "/firewall/rules", "[]"),
    GET(VM "/firewall/options", NULL),
    GET(NODE_PATH "/tasks?vmid=100&start=0&limit=500", "[{'type':'qmcreate','id':'100'}]"),
    TASK("POST", "/api2/extjs" VM "/status/start", ""),
    GET(RUN "/log?start=0&limit=50", "[{'t':'TASK OK'}]"),
    GET(VM "/status/current", RUNS),
    UNTIL("/api2/extjs" VM "/agent/network-get-interfaces", ADDRESS),
    GET("/cluster/resources", "[{'id':'qemu/100','status':'running'}]"),
    SCREEN("/api2/extjs" VM "/vncproxy", "websocket=1"),
    UNTIL("/cluster/tasks", "[{'type':'vncproxy','id':'100','status':'OK'}]"),
    TASK("POST", "/api2/extjs" VM "/status/shutdown", ""),
    GET(VM "/status/current", STOPPED),
    TASK("POST", "/api2/extjs" VM "/status/start", ""),
    TASK("POST", "/api2/extjs" VM "/status/stop", "overrule-shutdown=1"),
    TASK("DELETE", "/api2/extjs" VM "?purge=1&destroy-unreferenced-disks=1", NULL),
    FAILS(VM "/status/current", GONE),
    {.method = NULL},
};

static const struct walk_step bpg[] = {
    GET("/version", NULL),
    GET(STORE "/status", NULL),
    GET(STORE "/content", "[]"),
    UPLOAD,
    GET(RUN "/status", ENDS),
    GET(STORE "/content", DISC),
    GET(STORE "/content/local:iso%2Fguest.iso", "{'size':43008}"),
    GET("/cluster/nextid", "'100'"),
    GET("/cluster/nextid?vmid=100", "'100'"),
    TASK(
        "POST", QEMU,
        "acpi=1&agent=enabled%3D1%2Cfstrim_cloned_disks%3D0%2Ctype%3Disa&bios=seabios&boot=order%3Dscsi0%"
        "3Bide2&"
        "cores=1&cpu=cputype%3Dqemu64&cpuunits=1024&description=by+Terraform&"
        "ide2=file%3Dlocal%3Aiso%2Fguest.iso%2Cmedia%3Dcdrom&keyboard=en-us&kvm=0&machine=q35&memory=64&"
        "name=guest&numa=0&onboot=1&ostype=l26&protection=0&"
        "scsi0=file%3Dlocal%3A1%2Caio%3Dthreads%2Cbackup%3D1%2Ccache%3Dwriteback%2Cdiscard%3Dignore%2Cformat%"
        "3Dqcow2%"
        "2Ciothread%3D0%2Creplicate%3D1%2Cssd%3D0&"
        "scsihw=virtio-scsi-pci&sockets=1&tablet=1&tags=terraform&template=0&vga=type%3Dstd&vmid=100{"
        "device}"),
    GET(RUN "/status", ENDS),
    GET(VM "/config", "{'scsi0':'local:100/vm-100-disk-0.qcow2,aio=threads,backup=1,cache=writeback,"
                      "discard=ignore,iothread=0,replicate=1,size=1G,ssd=0'}"),
    TASK("PUT", VM "/resize", "disk=scsi0&size=2G"),
    GET(VM "/status/current", STOPPED),
    TASK("POST", VM "/status/start", ""),
    GET(RUN "/status", ENDS),
    UNTIL(VM "/status/current", RUNS),
    UNTIL(VM "/agent/network-get-interfaces", ADDRESS),
    ASK("POST", VM "/agent/ping", NULL, "{'result':{}}"),
    GET(VM "/config", "{'name':'guest','tags':'terraform','memory':'64','onboot':1}"),
    GET("/cluster/resources?type=vm", "[{'vmid':100,'type':'qemu','node':'" NODE "'}]"),
    GET("/pools", "[]"),
    FAILS("/cluster/ha/resources/vm:100", "no such resource 'vm:100'\n"),
    ASK("PUT", VM "/config", "description=changed&delete=tags", NULL),
    SCREEN(VM "/vncproxy", "websocket=1&generate-password=1"),
    TASK("POST", VM "/status/shutdown", "forceStop=1&timeout=60"),
    GET(RUN "/status", ENDS),
    UNTIL(VM "/status/current", STOPPED),
    TASK("DELETE", VM "/?destroy-unreferenced-disks=1&purge=1", NULL),
    FAILS(VM "/status/current", GONE),
    {.method = NULL},
};

/* By proxmoxer; the module waits for each task by its status. */
static const struct walk_step ansible[] = {
    GET("/version", NULL),
    GET("/nodes", "[{'node':'" NODE "'}]"),
    GET("/storage?type=dir", "[{'storage':'local','content':'images,iso'}]"),
    UPLOAD,
    GET(STORE "/content", DISC),
    GET("/cluster/nextid", "'100'"),
    GET("/cluster/resources?type=vm", "[]"),
    TASK("POST", QEMU,
         "acpi=1&agent=enabled%3D1%2Ctype%3Disa&autostart=0&balloon=0&boot=order%3Dide2&cores=1&cpu=qemu64&"
         "cpulimit=0&cpuunits=1000&description=&ide2=local%3Aiso%2Fguest.iso%2Cmedia%3Dcdrom&kvm=0&machine="
         "q35&"
         "memory=64&name=guest&onboot=1&ostype=l26&scsihw=virtio-scsi-pci&sockets=1&template=0&vga=std&"
         "virtio0=local%3A1%2Ccache%3Dwriteback%2Cformat%3Draw&vmid=100{device}"),
    GET(RUN "/log", "[{'t':'TASK OK'}]"),
    GET("/cluster/resources?type=vm", "[{'vmid':100,'status':'stopped','name':'guest'}]"),
    GET(VM "/config", "{'virtio0':'local:100/vm-100-disk-0.raw,cache=writeback,size=1G','name':'guest'}"),
    GET(VM "/status/current", STOPPED),
    TASK("POST", VM "/status/start", NULL),
    GET(VM "/status/current", RUNS),
    TASK("POST", VM "/status/shutdown", "forceStop=1&timeout=1"),
    GET(VM "/status/current", STOPPED),
    TASK("DELETE", VM, NULL),
    GET("/cluster/resources?type=vm", "[]"),
    {.method = NULL},
};

static const struct walk_step telmate[] = {
    GET("/version", NULL),
    GET("/access/permissions", NULL),
    UPLOAD,
    GET("/cluster/nextid?vmid=100", "'100'"),
    GET("/cluster/resources?type=vm", "[]"),
    GET("/nodes", NULL),
    FAILS(VM "/status/current", " does not exist\n"),
    TASK("POST", QEMU,
         "agent=enabled%3D1%2Ctype%3Disa&bios=seabios&boot=order%3Dide2&cores=1&cpu=qemu64&description=&"
         "hotplug=network%2Cdisk%2Cusb&ide2=local%3Aiso%2Fguest.iso%2Cmedia%3Dcdrom&kvm=0&memory=64&"
         "machine=q35&name=guest&numa=0&onboot=0&ostype=l26&scsi0=local%3A1%2Ccache%3Dwriteback%2Creplicate%"
         "3D0&"
         "scsihw=virtio-scsi-pci&sockets=1&tablet=1&vmid=100{device}"),
    GET(RUN "/status", ENDS),
    FAILS("/cluster/ha/resources/100", "no such resource 'vm:100'\n"),
    GET(VM "/config", "{'scsi0':'local:100/vm-100-disk-0.raw,cache=writeback,replicate=0,size=1G'}"),
    GET(VM "/pending", "[{'key':'scsi0'}]"),
    ASK("PUT", VM "/config", "scsi1=local%3A1%2Ccache%3Dwriteback", NULL),
    TASK("POST", VM "/config", "delete=description"),
    TASK("POST", VM "/config", "memory=96"),
    TASK("PUT", VM "/resize", "disk=scsi0&size=%2B1G"),
    ASK("PUT", VM "/unlink", "idlist=scsi1&force=1", NULL),
    GET(VM "/status/current", STOPPED),
    TASK("POST", VM "/status/start", ""),
    GET(VM "/status/current", RUNS),
    UNTIL(VM "/agent/network-get-interfaces", ADDRESS),
    SCREEN(VM "/vncproxy", "websocket=1"),
    GET("/pools", "[]"),
    TASK("POST", VM "/status/stop", "overrule-shutdown=1"),
    GET(VM "/status/current", STOPPED),
    TASK("DELETE", VM, NULL),
    FAILS(VM "/status/current", " does not exist\n"),
    {.method = NULL},
};

const struct walk walk_of_interface = {"Proxmox VE's web interface", true, interface};
const struct walk walk_of_bpg = {"Terraform's provider bpg/proxmox", false, bpg};
const struct walk walk_of_ansible = {"Ansible's proxmox_kvm", false, ansible};
const struct walk walk_of_telmate = {"Terraform's provider Telmate/proxmox", true, telmate};
