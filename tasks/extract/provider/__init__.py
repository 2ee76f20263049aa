"""What all providers share: request policy, rate limits, fetch log, typed frames, HTTP."""
