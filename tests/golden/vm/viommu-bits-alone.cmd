error: cannot set aw-bits if no vIOMMU is configured
