error: QEMU 7.2.0 has no device 'e1000-82540em', which is needed for 'e1000-82540em,mac=BC:24:11:00:00:01,netdev=net0,bus=pci.0,addr=0x12,id=net0,bootindex=300'
