error: hostpci0: q35 machine model is not enabled
