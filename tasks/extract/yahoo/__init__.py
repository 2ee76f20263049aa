"""Extract daily bars and corporate actions from Yahoo."""
