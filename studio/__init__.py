"""Studio: specialise a foundation model without writing code."""

__version__ = "0.1.0"
