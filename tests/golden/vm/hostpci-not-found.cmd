error: no PCI device found for '0000:01:00'
