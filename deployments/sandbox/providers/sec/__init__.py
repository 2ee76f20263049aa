"""The SEC: company facts, submissions, tickers and daily indexes."""
