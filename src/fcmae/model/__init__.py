"""Layouts, layers, block, encoder, decoder, autoencoder, contraster, classifier."""
