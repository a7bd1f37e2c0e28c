"""Which unit the page is about."""

from types import SimpleNamespace

from lamella.analyses.objectives.choice import before, fitting_layer, ranked_units
from lamella.network.units import Layer


def layer(name: str, kernel: int = 3, side: int = 8, activation: str | None = "relu") -> Layer:
    return Layer(name, "convolution", 4, side, side, None, (kernel, kernel), activation=activation)


def test_the_layer_is_deep_has_positions_and_a_kernel() -> None:
    fire = [
        layer(f"{at}.{name}", kernel) for at in range(9) for name, kernel in (("a", 1), ("b", 3))
    ]
    assert fitting_layer(fire).name == "6.b"
    assert fitting_layer([*fire, layer("head", 1, 1, None)]).name == "6.b"
    vectors = [layer(str(at), 1, 1) for at in range(5)]
    assert fitting_layer(vectors).name == "3"
    assert fitting_layer(vectors[:1]).name == "0"
    on_the_way = before(fire, "6.b")
    assert [each.name for each in on_the_way.values()] == ["2.b", "4.b", "6.b"]
    assert {each.name for each in before(fire, "0.a").values()} == {"0.a"}


def test_units_are_ranked_by_what_their_photographs_share() -> None:
    import numpy as np

    facts = SimpleNamespace(
        layer=SimpleNamespace(channels=4),
        manifest=SimpleNamespace(photographs=[SimpleNamespace(label=name) for name in "aabbb"]),
        of=lambda name: {
            "top_image": np.array([[0, 2, 4], [2, 3, 4], [0, 1, -1], [-1, -1, -1]]),
            "mean": np.zeros(4),
            "deviation": np.array([1.0, 1.0, 1.0, 0.0]),
            "maximum": np.array([99.0, 5.0, 9.0, 0.0]),
        },
    )
    order, labels = ranked_units(facts)  # type: ignore[arg-type]
    assert order == [2, 1, 0] and labels == ["b", "b", "a", ""]
