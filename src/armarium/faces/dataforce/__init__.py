"""The dataforce door: organizations, orbits, collections and artifacts as `luml-api` and its ancestors know them."""
