error: usb5: only usb0 to usb4 with this machine and ostype: use a machine version of 7.1 or newer with l26 or Windows 8 or newer
