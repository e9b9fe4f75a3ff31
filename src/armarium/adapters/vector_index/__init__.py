"""Indexes that find the nearest vectors."""

import os

# Its own threads wait for each other by spinning: with other work on the cores that costs a hundred times the work.
# It looks at this when numpy is first imported, by whichever module of this package that is.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
