"""One module per provider: a pure parse function and the task that fetches."""
