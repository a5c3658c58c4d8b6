error: hostpci0: Cannot set both 'host' and 'mapping'.
