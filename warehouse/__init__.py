"""Where data lives: schema, reference data, connections, the embedded server."""
