"""Extract company facts, profiles, tickers and the filing index from the SEC."""
