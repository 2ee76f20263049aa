"""When data moves: one file per schedule, each a short list of verbs."""
