"""The providers' protocols: one package per provider."""
