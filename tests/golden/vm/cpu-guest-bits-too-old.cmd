error: QEMU 7.2.0 cannot set guest-phys-bits: leave it out
