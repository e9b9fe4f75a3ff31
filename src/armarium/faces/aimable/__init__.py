"""The door of spaces and documents: REST with an API key. Protocol facts: docs/reference/aimable.md."""
