"""One module per derived table: a pure function on frames and the task around it."""
