"""What every registered modality must do."""

from __future__ import annotations

import pytest

from studio.core.errors import UnreadableItem
from studio.core.interfaces import Modality
from studio.modalities import discover_modalities


@pytest.mark.parametrize("modality", list(discover_modalities()), ids=lambda modality: modality.name)
def test_modality_keeps_its_contract(modality: Modality) -> None:
    assert modality is discover_modalities().get(modality.name)
    assert modality.suffixes
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in modality.suffixes)
    assert modality.column_names and all(name == name.lower() for name in modality.column_names)
    others = {name for other in discover_modalities() if other is not modality for name in other.column_names}
    assert not others & set(modality.column_names)
    for damaged in (b"", b"\0\0\0"):
        with pytest.raises(UnreadableItem) as refused:
            modality.read(damaged, "file.x")
        assert refused.value.file == "file.x"
        with pytest.raises(UnreadableItem):
            modality.thumbnail(damaged, 96)
