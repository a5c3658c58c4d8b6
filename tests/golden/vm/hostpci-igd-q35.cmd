error: hostpci0: legacy-igd needs the machine type i440fx: set machine to pc
