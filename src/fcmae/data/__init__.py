"""Files become batches: one image front door, folders, lists, augmentation, order."""
