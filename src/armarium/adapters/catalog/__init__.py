"""Records in SQL: tables and statements written once, executed on the raw driver of each database."""
