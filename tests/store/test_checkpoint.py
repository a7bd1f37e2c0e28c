"""The state of a long pass: what is read is what was saved, or nothing."""

from pathlib import Path

import numpy as np

from lamella.store.checkpoint import load_state, save_state


def test_a_state_comes_back_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "partial.safetensors"
    assert load_state(path) is None
    save_state(path, {"a": np.arange(5), "b": np.eye(2, dtype=np.float32)})
    found = load_state(path)
    assert found and found["a"].tolist() == [0, 1, 2, 3, 4] and found["b"].dtype == np.float32
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 16]) + whole[at + 1 :])
        assert load_state(path) is None
        path.write_bytes(whole[:at])
        assert load_state(path) is None
