"""How data moves: extract, validate, load, derive, publish."""
