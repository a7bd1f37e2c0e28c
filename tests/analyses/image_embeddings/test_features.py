"""Where feature vectors lie."""

from pathlib import Path

import numpy as np

from lamella.analyses.image_embeddings.features import float_array


def test_large_arrays_lie_in_files(tmp_path: Path) -> None:
    mapped = float_array((5, 3), tmp_path / "new", in_memory=59)
    assert isinstance(mapped, np.memmap) and mapped.sum() == 0
    mapped[2] = 7
    assert mapped[:3].sum() == 21 and not isinstance(float_array((5, 3), tmp_path, 60), np.memmap)
    assert not list(tmp_path.rglob("*.*"))
