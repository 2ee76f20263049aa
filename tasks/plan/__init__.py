"""Plan what to request: universe, requests per dataset, release times, last fetches."""
