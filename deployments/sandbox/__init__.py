"""Local stand-ins for the data providers, replaying a tape through the providers' own protocols."""
