"""Extract macro series and their vintages from FRED."""
