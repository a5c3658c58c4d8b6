error: hostpci0: legacy-igd needs vga to be set to none
