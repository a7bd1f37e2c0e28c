"""Templates: one file per kind of figure."""

from typing import get_args

import pytest

from lamella.figures import Figure
from lamella.site.templating import environment


@pytest.mark.parametrize("kind", [kind.__name__.lower() for kind in get_args(Figure)])
def test_every_kind_of_figure_has_a_file(kind: str) -> None:
    module = environment().get_template(f"figures/{kind}.html.j2").module
    assert callable(getattr(module, kind))
