"""Mock data providers that replay a tape through the providers' own protocols."""
