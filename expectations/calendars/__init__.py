"""Trading sessions of the exchange and business days of EDGAR."""
