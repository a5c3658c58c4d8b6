error: legacy-igd cannot be used with a VirtIO vIOMMU
