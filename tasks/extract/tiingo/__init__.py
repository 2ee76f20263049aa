"""Extract the closes and splits of the second source of prices, Tiingo, only to compare them."""
