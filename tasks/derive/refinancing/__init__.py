"""The refinancing tables, one module per table."""
