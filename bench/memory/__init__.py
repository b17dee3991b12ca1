"""What memory is worth, measured: what comes back, what comes back though it is out of date, and what it costs."""
