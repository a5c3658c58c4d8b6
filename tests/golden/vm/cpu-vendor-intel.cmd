error: QEMU 7.2.0 has no CPU model 'Icelake-Server-noTSX'
