"""Point-in-time XBRL facts and fiscal periods."""
