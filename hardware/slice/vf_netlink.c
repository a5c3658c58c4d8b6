/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of virtual functions, spoken as rtnetlink. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/memory.h"
#include "hardware/slice/vf_link.h"

#define REPLY_SIZE                                                                                           \
    ((size_t)256 * 1024) /* about 300 bytes a virtual function, of which there are at most 256 */
#define REQUEST_SIZE 512

static const char *const link_states[] = {[IFLA_VF_LINK_STATE_AUTO] = "auto",
                                          [IFLA_VF_LINK_STATE_ENABLE] = "enable",
                                          [IFLA_VF_LINK_STATE_DISABLE] = "disable"};

static long long number_of(const json_t *settings, const char *name)
{
    return json_integer_value(json_object_get(settings, name));
}

static void set_number(json_t *settings, const char *name, long long value)
{
    json_object_set_new(settings, name, json_integer(value));
}

static void read_mac(const void *data, json_t *settings)
{
    const struct ifla_vf_mac *mac = data;

    json_object_set_new(settings, "mac",
                        json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", mac->mac[0], mac->mac[1], mac->mac[2],
                                     mac->mac[3], mac->mac[4], mac->mac[5]));
}

static void read_vlan(const struct nlattr *list, json_t *settings)
{
    const struct nlattr *entry;

    mnl_attr_for_each_nested(entry, list) {
        const struct ifla_vf_vlan_info *vlan = mnl_attr_get_payload(entry);
        if (mnl_attr_get_payload_len(entry) < sizeof(*vlan))
            return;
        set_number(settings, "vlan", vlan->vlan);
        set_number(settings, "qos", vlan->qos);
        json_object_set_new(settings, "proto",
                            json_string(ntohs(vlan->vlan_proto) == ETH_P_8021AD ? "802.1ad" : "802.1q"));
        return; /* the kernel has one tag a virtual function */
    }
}

static void read_rate(const void *data, json_t *settings)
{
    const struct ifla_vf_rate *rate = data;

    set_number(settings, "min-tx-rate", rate->min_tx_rate);
    set_number(settings, "max-tx-rate", rate->max_tx_rate);
}

/* Of those that the driver does not know, the kernel says -1 (all ones). */
static void read_flag(const void *data, const char *name, json_t *settings)
{
    const struct ifla_vf_trust *flag = data; /* as ifla_vf_spoofchk and ifla_vf_rss_query_en */

    if (flag->setting <= 1)
        set_number(settings, name, flag->setting);
}

static void read_link_state(const void *data, json_t *settings)
{
    const struct ifla_vf_link_state *state = data;

    if (state->link_state < COUNT_OF(link_states))
        json_object_set_new(settings, "link-state", json_string(link_states[state->link_state]));
}

static json_t *read_info(const struct nlattr *info)
{
    json_t *settings = json_object();
    const struct nlattr *entry;

    mnl_attr_for_each_nested(entry, info) {
        const void *data = mnl_attr_get_payload(entry);
        size_t size = mnl_attr_get_payload_len(entry);
        unsigned type = mnl_attr_get_type(entry);
        if (type == IFLA_VF_MAC && size >= sizeof(struct ifla_vf_mac))
            read_mac(data, settings);
        else if (type == IFLA_VF_VLAN_LIST)
            read_vlan(entry, settings);
        else if (type == IFLA_VF_RATE && size >= sizeof(struct ifla_vf_rate))
            read_rate(data, settings);
        else if (type == IFLA_VF_SPOOFCHK && size >= sizeof(struct ifla_vf_spoofchk))
            read_flag(data, "spoofchk", settings);
        else if (type == IFLA_VF_TRUST && size >= sizeof(struct ifla_vf_trust))
            read_flag(data, "trust", settings);
        else if (type == IFLA_VF_RSS_QUERY_EN && size >= sizeof(struct ifla_vf_rss_query_en))
            read_flag(data, "query-rss", settings);
        else if (type == IFLA_VF_LINK_STATE && size >= sizeof(struct ifla_vf_link_state))
            read_link_state(data, settings);
    }
    return settings;
}

/* The kernel lists virtual functions in order. */
static int take_link(const struct nlmsghdr *message, void *context)
{
    const struct nlattr *attribute, *info;
    json_t *list = context;

    if (message->nlmsg_type != RTM_NEWLINK)
        return MNL_CB_OK;
    mnl_attr_for_each(attribute, message, sizeof(struct ifinfomsg)) {
        if (mnl_attr_get_type(attribute) != IFLA_VFINFO_LIST)
            continue;
        mnl_attr_for_each_nested(info, attribute) {
            json_array_append_new(list, read_info(info));
        }
    }
    return MNL_CB_OK;
}

/* Sends one request and takes what is answered. */
static int talk(struct nlmsghdr *request, mnl_cb_t take, void *context)
{
    autofree char *reply = xcalloc(REPLY_SIZE, 1);
    struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    int result = 0;

    if (socket == NULL)
        return -errno;
    request->nlmsg_seq = (unsigned)time(NULL);
    if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
        mnl_socket_sendto(socket, request, request->nlmsg_len) < 0) {
        result = -errno;
    } else {
        ssize_t length = mnl_socket_recvfrom(socket, reply, REPLY_SIZE);
        if (length < 0 || mnl_cb_run(reply, (size_t)length, request->nlmsg_seq, mnl_socket_get_portid(socket),
                                     take, context) < 0)
            result = -errno;
    }
    mnl_socket_close(socket);
    return result;
}

static struct nlmsghdr *begin(char buffer[static REQUEST_SIZE], unsigned type, unsigned flags, int interface)
{
    struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

    request->nlmsg_type = (uint16_t)type;
    request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));
    link->ifi_family = AF_UNSPEC;
    link->ifi_index = interface;
    return request;
}

static int read_all(int interface, json_t **ret)
{
    char buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *request = begin(buffer, RTM_GETLINK, 0, interface);
    autojson json_t *list = json_array();

    mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_VF);
    int result = talk(request, take_link, list);
    if (result == 0)
        *ret = TAKE(list);
    return result;
}

static void put_mac(struct nlmsghdr *request, unsigned vf, const json_t *settings)
{
    struct ifla_vf_mac mac = {.vf = vf};
    unsigned bytes[6] = {0};

    sscanf(json_text(settings, "mac"), "%2x:%2x:%2x:%2x:%2x:%2x", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
           &bytes[4], &bytes[5]);
    for (size_t i = 0; i < COUNT_OF(bytes); i++)
        mac.mac[i] = (uint8_t)bytes[i];
    mnl_attr_put(request, IFLA_VF_MAC, sizeof(mac), &mac);
}

/* The older message knows only 802.1Q, and so do the drivers that take no other. */
static void put_vlan(struct nlmsghdr *request, unsigned vf, const json_t *settings)
{
    uint32_t vlan = (uint32_t)number_of(settings, "vlan"), qos = (uint32_t)number_of(settings, "qos");
    const struct ifla_vf_vlan plain = {.vf = vf, .vlan = vlan, .qos = qos};
    const struct ifla_vf_vlan_info service = {
        .vf = vf, .vlan = vlan, .qos = qos, .vlan_proto = htons(ETH_P_8021AD)};

    if (strcmp(json_text(settings, "proto"), "802.1ad") != 0) {
        mnl_attr_put(request, IFLA_VF_VLAN, sizeof(plain), &plain);
        return;
    }
    struct nlattr *list = mnl_attr_nest_start(request, IFLA_VF_VLAN_LIST);
    mnl_attr_put(request, IFLA_VF_VLAN_INFO, sizeof(service), &service);
    mnl_attr_nest_end(request, list);
}

static void put_rate(struct nlmsghdr *request, unsigned vf, const json_t *settings)
{
    const struct ifla_vf_rate rate = {.vf = vf,
                                      .min_tx_rate = (uint32_t)number_of(settings, "min-tx-rate"),
                                      .max_tx_rate = (uint32_t)number_of(settings, "max-tx-rate")};

    mnl_attr_put(request, IFLA_VF_RATE, sizeof(rate), &rate);
}

static void put_flag(struct nlmsghdr *request, unsigned vf, uint16_t type, long long value)
{
    const struct ifla_vf_trust flag = {.vf = vf, .setting = (uint32_t)value};

    mnl_attr_put(request, type, sizeof(flag), &flag);
}

static void put_trust(struct nlmsghdr *request, unsigned vf, const json_t *settings)
{
    put_flag(request, vf, IFLA_VF_TRUST, number_of(settings, "trust"));
}

static void put_spoofchk(struct nlmsghdr *request, unsigned vf, const json_t *settings)
{
    put_flag(request, vf, IFLA_VF_SPOOFCHK, number_of(settings, "spoofchk"));
}

static void put_query_rss(struct nlmsghdr *request, unsigned vf, const json_t *settings)
{
    put_flag(request, vf, IFLA_VF_RSS_QUERY_EN, number_of(settings, "query-rss"));
}

static void put_link_state(struct nlmsghdr *request, unsigned vf, const json_t *settings)
{
    struct ifla_vf_link_state state = {.vf = vf};

    for (unsigned i = 0; i < COUNT_OF(link_states); i++)
        if (strcmp(json_text(settings, "link-state"), link_states[i]) == 0)
            state.link_state = i;
    mnl_attr_put(request, IFLA_VF_LINK_STATE, sizeof(state), &state);
}

static const struct {
    const char *group;
    void (*put)(struct nlmsghdr *request, unsigned vf, const json_t *settings);
} puts_of[] = {{"mac", put_mac},
               {"vlan", put_vlan},
               {"min-tx-rate", put_rate},
               {"trust", put_trust},
               {"spoofchk", put_spoofchk},
               {"query-rss", put_query_rss},
               {"link-state", put_link_state}};

static int write_group(int interface, unsigned vf, const char *group, const json_t *settings)
{
    char buffer[REQUEST_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *request = begin(buffer, RTM_SETLINK, NLM_F_ACK, interface);
    struct nlattr *list = mnl_attr_nest_start(request, IFLA_VFINFO_LIST);
    struct nlattr *info = mnl_attr_nest_start(request, IFLA_VF_INFO);

    for (size_t i = 0; i < COUNT_OF(puts_of); i++)
        if (strcmp(group, puts_of[i].group) == 0)
            puts_of[i].put(request, vf, settings);
    mnl_attr_nest_end(request, info);
    mnl_attr_nest_end(request, list);
    return talk(request, NULL, NULL);
}

const struct vf_door vf_netlink = {.read = read_all, .write = write_group};
