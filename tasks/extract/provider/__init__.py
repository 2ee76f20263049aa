"""Share request policy, rate limits, fetch log, typed frames and HTTP among the providers."""
