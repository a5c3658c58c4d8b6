error: usb0: there is no SPICE console here: set a device of the host
