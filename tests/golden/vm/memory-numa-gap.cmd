error: numa1: missing numa0 before it
