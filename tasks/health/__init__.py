"""Health checks and their report."""
