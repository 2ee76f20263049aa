"""FRED: observations, vintages and release dates."""
