/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket in which the kernel reports what happens to PCI functions. */
#include "hardware/pci/events.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#define KERNEL_EVENTS  1 /* the multicast group of the kernel's own messages; 2 is udev's */
#define RECEIVE_BUFFER (1024 * 1024)

int pci_events_open(void)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_EVENTS};
    int size = RECEIVE_BUFFER;
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        int reason = errno;
        close(fd);
        return -reason;
    }
    /* the kernel grants what we may have; an event that does not fit is reported as lost */
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    return fd;
}

bool pci_events_take(int socket, void (*each)(void *context, const struct pci_event *event), void *context)
{
    char message[8192]; /* the kernel's have at most 2048 bytes and a header */
    bool lost = false;

    for (;;) {
        struct sockaddr_nl sender = {0};
        socklen_t size = sizeof(sender);
        struct pci_event event;
        ssize_t length = recvfrom(socket, message, sizeof(message), 0, (struct sockaddr *)&sender, &size);
        if (length < 0 && errno == ENOBUFS)
            lost = true; /* reported once; what the socket still holds follows */
        else if (length < 0 && errno != EINTR)
            return lost;
        /* sent by the kernel, not by somebody who pretends to be it */
        if (length >= 0 && sender.nl_pid == 0 && pci_uevent_parse(message, (size_t)length, &event))
            each(context, &event);
    }
}
