"""Claims about the rotation and scenarios to watch, judged by the tables."""
