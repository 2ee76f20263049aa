"""One contract per table: columns, keys and validation rules."""
