error: QEMU 7.2.0 has no machine type 'pc-q35-10.0': set an older one, or install a newer QEMU
