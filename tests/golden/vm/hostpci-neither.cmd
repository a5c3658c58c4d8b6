error: hostpci3: Either 'host' or 'mapping' must be set.
