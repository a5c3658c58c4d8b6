error: serial0 is the display, but serial0 is not set
