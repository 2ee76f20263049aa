"""Tables, views, roles, comments and reference tables of the database."""
