"""One file a family: what it accepts, its presets, how it loads. torch is imported inside `load` alone."""
