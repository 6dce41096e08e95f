"""The training loop; the only room that knows Lightning Fabric."""
