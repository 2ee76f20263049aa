"""Running it: the command line, the local stack, the sandbox."""
