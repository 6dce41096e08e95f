"""Layouts, layers, block, encoder, decoder, autoencoder, classifier."""
