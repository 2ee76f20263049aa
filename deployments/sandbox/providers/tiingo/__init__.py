"""Mock of Tiingo."""
