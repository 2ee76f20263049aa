"""Tables sector_breadth and index_concentration, with their pure functions."""
