"""The hot operations, behind one seam; only the model room enters."""
