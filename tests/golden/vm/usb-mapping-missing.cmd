error: usb2: no device found for the USB mapping 'stick'
