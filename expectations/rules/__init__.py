"""Validation rules that several tables share, and price anomaly detection."""
