/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Proxmox VE's own web interface as a client: what pve-manager 9.2.11 asks for, in the form in which
 * it asks. It uses /api2/extjs for windows, trees and all writes, with _dc=<ms> in each
 * GET, and /api2/json for lists; it sends forms, the cookie percent-encoded, and CSRFPreventionToken with
 * every request, `null` before login. */
#include <criterion/criterion.h>
#include <curl/curl.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "tests/api/account.h"
#include "tests/api/call.h"
#include "tests/api/daemon.h"
#include "tests/api/look.h"
#include "tests/api/vm.h"

#define EXTJS "/api2/extjs"
#define JSON  "/api2/json"
#define FORM  "application/x-www-form-urlencoded; charset=UTF-8"
#define DC    "_dc=1763812345678"
#define GPU                                                                                                  \
    "id%3D10de%3A2484%2Ciommugroup%3D1%2Cnode%3D" NODE                                                       \
    "%2Cpath%3D0000%3A01%3A00.0%2Csubsystem-id%3D10de%3A146b"
#define OTHER                                                                                                \
    "id%3D10de%3A2484%2Ciommugroup%3D7%2Cnode%3Dpve2%2Cpath%3D0000%3A81%3A00.0%2Csubsystem-id%3D10de%3A146b"

/* An administrator of the realm pve at the login window. */
static void start(void)
{
    START(.host = "usb");
    account_create("joe@pve", NULL);
    account_grant("/", "Administrator", "users", "joe@pve");
    call_with_token("");
}

TestSuite(web_interface, .init = start, .timeout = 120);

static const json_t *data_of(const struct reply *reply)
{
    cr_assert_eq(reply->status, 200, "%s", reply->body);
    cr_assert(!has(reply->json, "success") || number_of(reply->json, "success") == 1, "%s", reply->body);
    return reply->data;
}

static const json_t *ask(const char *path)
{
    return data_of(CALL(.method = "GET", .path = path));
}

static const json_t *save(const char *method, const char *path, const char *form)
{
    return data_of(CALL(.method = method, .path = path, .content_type = FORM, .body = form));
}

static const json_t *log_in(const char *form)
{
    const json_t *login = data_of(CALL(.method = "POST", .path = EXTJS "/access/ticket", .content_type = FORM,
                                       .header = "CSRFPreventionToken: null", .body = form));

    call_with_ticket(text_of(login, "ticket"), text_of(login, "CSRFPreventionToken"));
    return login;
}

#define LOG_IN() log_in("username=joe&password=correct%20horse&realm=pve&new-format=1")

/* "GET /access/domains (json and extjs; realm, type, comment, default)" */
DAEMON_TEST(web_interface, login_window_lists_the_realms)
{
    static const char *const paths[] = {JSON "/access/domains", EXTJS "/access/domains?" DC};

    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        const json_t *realms =
            data_of(CALL(.method = "GET", .path = paths[i], .header = "CSRFPreventionToken: null"));
        cr_assert_str_eq(text_of(row(realms, "realm", "pam"), "comment"),
                         "Linux PAM standard authentication");
        cr_assert_str_eq(text_of(row(realms, "realm", "pve"), "type"), "pve");
    }
}

/* "POST /access/ticket (username, password, realm, new-format=1 ...)"; "cap must have all seven maps" */
DAEMON_TEST(web_interface, login_gives_ticket_and_the_seven_maps)
{
    static const char *const maps[] = {"vms", "access", "storage", "nodes", "sdn", "dc", "mapping"};
    const json_t *login = LOG_IN();

    cr_assert_str_eq(text_of(login, "username"), "joe@pve");
    for (size_t i = 0; i < COUNT_OF(maps); i++)
        cr_expect(json_object_size(member(member(login, "cap"), maps[i])) > 0, "%s", maps[i]);
    cr_assert_eq(number_of(member(member(login, "cap"), "mapping"), "Mapping.Modify"), 1);
}

DAEMON_TEST(web_interface, wrong_password_is_told_in_the_window)
{
    const struct reply *reply = CALL(.method = "POST", .path = EXTJS "/access/ticket", .content_type = FORM,
                                     .header = "CSRFPreventionToken: null",
                                     .body = "username=joe&password=wrong&realm=pve&new-format=1");
    cr_assert_eq(number_of(reply->json, "success"), 0, "%s", reply->body);
    cr_assert_eq(number_of(reply->json, "status"), 401);
    cr_assert_str_eq(text_of(reply->json, "message"), "authentication failure\n");
}

/* "renewal with the old ticket as password every 15 min" */
DAEMON_TEST(web_interface, ticket_is_renewed_with_the_old_one)
{
    autofree char *ticket = xstrdup(text_of(LOG_IN(), "ticket"));
    autofree char *escaped = curl_escape(ticket, 0);
    autofree char *form = xasprintf("username=joe%%40pve&password=%s", escaped);

    const json_t *renewed =
        data_of(CALL(.method = "POST", .path = JSON "/access/ticket", .content_type = FORM, .body = form));
    call_with_ticket(text_of(renewed, "ticket"), text_of(renewed, "CSRFPreventionToken"));
    ask(JSON "/version");
}

/* "extjs errors are HTTP 200 ...; a 401 stays 401" */
DAEMON_TEST(web_interface, who_is_not_logged_in_gets_401)
{
    call_with_ticket("PVE:joe@pve:00000000::AAAA", NULL);
    cr_assert_eq(CALL(.method = "GET", .path = EXTJS "/cluster/mapping/pci?" DC)->status, 401);
}

/* "At start: /version; /cluster/options (allowed-tags must be an array); /nodes/localhost/subscription
 * (status must be present); polls /cluster/resources (id, type, node, vmid, name)" */
DAEMON_TEST(web_interface, start_of_the_interface)
{
    LOG_IN();
    cr_assert(has(ask(EXTJS "/version?" DC), "version"));
    is_json(ask(EXTJS "/cluster/options?" DC),
            "{'allowed-tags':[],'description':'','mac_prefix':'BC:24:11'}");
    const json_t *subscription = ask(EXTJS "/nodes/localhost/subscription?" DC);
    cr_assert_str_eq(text_of(subscription, "status"), "notfound");
    cr_assert_str_eq(text_of(subscription, "message"), "There is no subscription key");
    cr_assert_eq(strlen(text_of(subscription, "serverid")), 32);
    const json_t *node = row(ask(JSON "/cluster/resources"), "id", "node/" NODE);
    cr_assert_str_eq(text_of(node, "type"), "node");
    cr_assert_str_eq(text_of(node, "node"), NODE);
    is_json(ask(JSON "/nodes/" NODE "/rrddata?timeframe=hour&cf=AVERAGE"), "[]");
}

DAEMON_TEST(web_interface, who_may_see_little_is_told_little)
{
    account_create("eve@pve", NULL);
    account_enter("eve@pve");
    is_json(ask(EXTJS "/cluster/options?" DC), "{'allowed-tags':[]}");
    cr_assert_not(has(ask(EXTJS "/nodes/localhost/subscription?" DC), "serverid"));
}

/* "/nodes/{n}/hardware/pci?pci-class-blacklist= (an empty value means no filter; if subsystem_vendor,
 * subsystem_device or iommugroup is left out, the interface sends the literal text `undefined` later, so they
 * are always present, -1 for no group)" */
DAEMON_TEST(web_interface, device_list_has_what_a_mapping_is_made_of)
{
    static const char *const needed[] = {
        "id", "vendor", "device", "subsystem_vendor", "subsystem_device", "iommugroup", "class"};

    LOG_IN();
    const json_t *devices = ask(JSON "/nodes/" NODE "/hardware/pci?pci-class-blacklist="), *device;
    size_t i;
    cr_assert(has_row(devices, "class", "0x060400"), "bridges too");
    json_array_foreach(devices, i, device)
        for (size_t j = 0; j < COUNT_OF(needed); j++)
            cr_expect(has(device, needed[j]), "%s: no %s", text_of(device, "id"), needed[j]);
    cr_assert_str_eq(text_of(row(ask(JSON "/nodes/" NODE "/hardware/usb"), "serial", "A9007UX2"), "usbpath"),
                     "4.2");
}

/* "POST /cluster/mapping/pci/ with a trailing slash; PUT /{id} with every node's map entries, changed options
 * or repeated delete, digest, sometimes `id` in the body too; DELETE"; "a single element arrives as a scalar"
 */
DAEMON_TEST(web_interface, mapping_from_the_window_to_its_end)
{
    LOG_IN();
    save("POST", EXTJS "/cluster/mapping/pci/", "id=a40&description=the%20card&mdev=1&map=" GPU);
    const json_t *mapping = row(ask(JSON "/cluster/mapping/pci"), "id", "a40");
    is_json(member(mapping, "map"),
            "['id=10de:2484,node=" NODE ",path=0000:01:00.0,iommugroup=1,subsystem-id=10de:146b']");
    cr_assert_eq(number_of(mapping, "mdev"), 1);

    autofree char *change = xasprintf("id=a40&map=%s&map=%s&delete=description&delete=mdev&digest=%s", GPU,
                                      OTHER, text_of(mapping, "digest"));
    save("PUT", EXTJS "/cluster/mapping/pci/a40", change);
    mapping = ask(EXTJS "/cluster/mapping/pci/a40?" DC);
    cr_assert_eq(json_array_size(member(mapping, "map")), 2);
    cr_assert_not(has(mapping, "description"));
    cr_assert_not(has(mapping, "mdev"));

    const struct reply *late =
        CALL(.method = "PUT", .path = EXTJS "/cluster/mapping/pci/a40", .content_type = FORM, .body = change);
    cr_assert_eq(number_of(late->json, "success"), 0);
    cr_assert_eq(number_of(late->json, "status"), 500);
    cr_assert_not_null(strstr(text_of(late->json, "message"), "detected modified configuration"));

    data_of(CALL(.method = "DELETE", .path = EXTJS "/cluster/mapping/pci/a40"));
    is_json(ask(JSON "/cluster/mapping/pci"), "[]");
}

DAEMON_TEST(web_interface, usb_mapping_from_the_window)
{
    LOG_IN();
    save("POST", EXTJS "/cluster/mapping/usb/",
         "id=modem&map=id%3D0403%3A6001%2Cnode%3D" NODE "%2Cpath%3D1-4.2");
    const json_t *mapping = row(ask(JSON "/cluster/mapping/usb?check-node=" NODE), "id", "modem");
    is_json(member(mapping, "errors"), "[]");
    data_of(CALL(.method = "DELETE", .path = EXTJS "/cluster/mapping/usb/modem"));
}

/* "/cluster/mapping/pci?check-node={n} (checks: severity, message)" */
DAEMON_TEST(web_interface, tree_of_mappings_shows_what_is_wrong)
{
    LOG_IN();
    save("POST", EXTJS "/cluster/mapping/pci/", "id=a40&map=" OTHER);
    const json_t *check = json_array_get(
        member(row(ask(EXTJS "/cluster/mapping/pci?check-node=" NODE "&" DC), "id", "a40"), "checks"), 0);
    cr_assert_str_eq(text_of(check, "severity"), "warning");
    cr_assert_str_eq(text_of(check, "message"), "No mapping for node " NODE ".");
}

/* "/hardware/pci/{id or mapping}/mdev (type, name, available, description)" */
DAEMON_TEST(web_interface, types_of_mediated_devices_of_a_mapping)
{
    LOG_IN();
    save("POST", EXTJS "/cluster/mapping/pci/", "id=a40&map=" GPU);
    is_json(ask(JSON "/nodes/" NODE "/hardware/pci/a40/mdev"), "[]");
    is_json(ask(JSON "/nodes/" NODE "/hardware/pci/0000:01:00.0/mdev"), "[]");
}

static void task_succeeds(const json_t *upid)
{
    cr_assert_str_eq(vm_task_end(json_string_value(upid)), "OK");
}

/* "VM: /rrddata?timeframe=hour&cf=AVERAGE, /pending (poll), /config; PUT /config with hostpciN=... and
 * digest, removal is delete=hostpciN without digest" */
DAEMON_TEST(web_interface, vm_from_the_window_to_its_end)
{
    LOG_IN();
    save("POST", EXTJS "/cluster/mapping/pci/", "id=a40&map=" GPU);
    task_succeeds(save("POST", EXTJS "/nodes/" NODE "/qemu",
                       "vmid=100&name=web&ostype=l26&machine=q35&scsihw=virtio-scsi-single&cores=2&sockets=1&"
                       "numa=0&cpu=x86-64-v2-AES&memory=2048&ide2=none%2Cmedia%3Dcdrom"));
    const json_t *resource = row(ask(JSON "/cluster/resources"), "id", "qemu/100");
    cr_assert_str_eq(text_of(resource, "type"), "qemu");
    cr_assert_str_eq(text_of(resource, "node"), NODE);
    cr_assert_str_eq(text_of(resource, "name"), "web");
    cr_assert_eq(number_of(resource, "vmid"), 100);
    is_json(ask(JSON "/nodes/" NODE "/qemu/100/rrddata?timeframe=hour&cf=AVERAGE"), "[]");

    autofree char *digest = xstrdup(text_of(ask(EXTJS "/nodes/" NODE "/qemu/100/config?" DC), "digest"));
    autofree char *form =
        xasprintf("hostpci0=mapping%%3Da40%%2Cpcie%%3D1%%2Crombar%%3D0%%2Cx-vga%%3D1&digest=%s", digest);
    save("PUT", EXTJS "/nodes/" NODE "/qemu/100/config", form);
    const json_t *pending = row(ask(EXTJS "/nodes/" NODE "/qemu/100/pending?" DC), "key", "hostpci0");
    cr_assert_str_eq(text_of(pending, "value"), "mapping=a40,pcie=1,rombar=0,x-vga=1");
    save("PUT", EXTJS "/nodes/" NODE "/qemu/100/config", "delete=hostpci0");
    cr_assert_not(has_row(ask(JSON "/nodes/" NODE "/qemu/100/pending"), "key", "hostpci0"));

    task_succeeds(
        data_of(CALL(.method = "DELETE",
                     .path = EXTJS "/nodes/" NODE "/qemu/100?purge=1&destroy-unreferenced-disks=1")));
    is_json(ask(JSON "/cluster/resources?type=vm"), "[]");
}

/* "extjs errors ... errors:{param:text}": the window marks the field. */
DAEMON_TEST(web_interface, wrong_field_is_marked)
{
    LOG_IN();
    const struct reply *reply = CALL(.method = "POST", .path = EXTJS "/cluster/mapping/pci/",
                                     .content_type = FORM, .body = "id=1a&map=" GPU);
    cr_assert_eq(number_of(reply->json, "success"), 0);
    cr_assert_str_eq(text_of(reply->errors, "id"), "invalid format - invalid configuration ID\n");
}

/* Every write needs the token that came with the ticket. */
DAEMON_TEST(web_interface, write_without_the_csrf_token_is_refused)
{
    autofree char *ticket = xstrdup(text_of(LOG_IN(), "ticket"));

    call_with_ticket(ticket, "null");
    cr_assert_eq(CALL(.method = "DELETE", .path = EXTJS "/cluster/mapping/pci/a40")->status, 401);
    ask(EXTJS "/version?" DC);
}
