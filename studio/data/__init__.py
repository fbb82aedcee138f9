"""Projects on disk: items, labels, media, imports, splits and snapshots. Imports no model and no modality."""
