"""sector_breadth and index_concentration."""
