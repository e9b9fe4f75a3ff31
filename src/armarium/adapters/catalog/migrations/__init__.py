"""Steps of the schema, oldest first. Adding one means: a file in `versions/`, its name here, and `tables.py`."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012")
HEAD = REVISIONS[-1]
