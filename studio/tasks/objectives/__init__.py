"""The losses at work in a run. Imported when a run starts, because its modules import torch."""
