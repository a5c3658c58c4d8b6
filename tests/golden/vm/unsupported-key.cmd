error: audio0 is only stored: a VM that has it cannot be started here
