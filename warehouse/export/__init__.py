"""Export of published tables as Parquet files."""
