"""Every statement of the catalog, each a function of its shape, by noun."""
