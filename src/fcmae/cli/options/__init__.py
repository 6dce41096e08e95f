"""From what a user types, or writes into YAML, to checked options."""
