"""Charts of the report: a query file and, unless it is a table, a drawing function per stem."""
