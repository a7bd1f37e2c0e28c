"""What tests of exports share: a tiny atlas with all that figures show."""

from pathlib import Path

import pytest

from helpers.tiny import NETWORK, Tiny, write_images


@pytest.fixture(scope="session")
def figured(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    folder = tmp_path_factory.mktemp("figured")
    write_images(folder / "images")
    Path(folder / "network.py").write_text(NETWORK)
    panels = ["statistics", "weights", "dataset_examples", "feature_visualization"]
    tiny = Tiny(folder).change(
        analysis__panels=panels, panels__feature_visualization__steps=2, authors=["Ada Example"]
    )
    tiny.works("build")
    return tiny
