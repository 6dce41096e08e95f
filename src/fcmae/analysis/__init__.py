"""Look inside: feature distance, reconstructions, cost, pictures."""
