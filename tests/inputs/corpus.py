"""Every bad input of data that there is a promise about. What only looks bad stands beside each kind; models are in `models`."""

from __future__ import annotations

from tests.inputs import archives, pictures, tables
from tests.inputs.entries import Bad

BAD: tuple[Bad, ...] = (*pictures.BAD, *archives.BAD, *tables.BAD)
