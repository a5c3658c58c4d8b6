error: balloon value too large (must be smaller than assigned memory)
