"""rotation_metrics."""
