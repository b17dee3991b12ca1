"""Tools: what a model can call. `function` makes one of a Python function; the others are built in, off by default."""
