"""Yahoo: charts, adjusted as of the sandbox clock."""
