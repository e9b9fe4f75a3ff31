"""The speed budgets, measured: a server of our own, unmodified clients, and floors from the same run."""
