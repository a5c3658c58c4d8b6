error: net0: mtu can be set of a virtio card only, not of e1000
