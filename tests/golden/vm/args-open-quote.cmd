error: args: a quote is not closed
