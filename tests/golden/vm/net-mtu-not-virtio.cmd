error: net0: mtu can only be set for a virtio card, not for e1000
