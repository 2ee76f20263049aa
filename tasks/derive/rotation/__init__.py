"""Table rotation_metrics, with its pure functions."""
