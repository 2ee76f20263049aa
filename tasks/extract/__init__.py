"""Extract rows from the providers: one folder per provider, and `provider` for all of them."""
