"""ConvNeXt V2 and its fully convolutional masked autoencoder."""
