error: could not find a free device for 'hostpci2'
