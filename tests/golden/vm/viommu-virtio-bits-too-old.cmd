error: QEMU 7.2.0 cannot set aw-bits of a VirtIO vIOMMU: leave aw-bits out
