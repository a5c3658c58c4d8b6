error: usb0: Cannot set both 'host' and 'mapping'.
