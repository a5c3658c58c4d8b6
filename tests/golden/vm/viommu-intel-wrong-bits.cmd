error: Intel vIOMMU takes aw-bits 39 or 48, not 40
