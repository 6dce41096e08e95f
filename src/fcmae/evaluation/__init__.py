"""How good are the features: nearest neighbours, linear probe, accuracy."""
