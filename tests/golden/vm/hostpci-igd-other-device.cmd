error: hostpci0: legacy-igd is for the host's device 00:02.0, not '0000:01:00.0'
