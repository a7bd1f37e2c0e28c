"""Receptive fields and sources, against autograd and by hand."""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn

from lamella.errors import UnknownLayer
from lamella.network.trace import trace
from lamella.network.units import Layer, Segment, Unit, among, unit_named
from lamella.places.field import ReceptiveField

EXTENT = 96

windows = st.tuples(
    st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2)
)  # kernel, stride, padding, dilation


def convolutions(stack: list[tuple[int, int, int, int]]) -> nn.Sequential:
    """Convolutions whose every weight is one, so that no gradient vanishes by chance."""
    layers = []
    for kernel, stride, padding, dilation in stack:
        layer = nn.Conv2d(1, 1, kernel, stride, padding, dilation, bias=False)
        nn.init.ones_(layer.weight)
        layers.append(layer.double())
    return nn.Sequential(*layers).eval()


def seen(network: nn.Module, position: int) -> tuple[int, int]:
    """First pixel, and the one after the last, that changes one position, by autograd."""
    image = torch.zeros(1, 1, EXTENT, EXTENT, dtype=torch.double, requires_grad=True)
    out = network(image)
    out[0, 0, position, out.shape[3] // 2].backward()
    rows = image.grad[0, 0].abs().sum(1).nonzero().flatten()
    return int(rows.min()), int(rows.max()) + 1


@settings(deadline=None, max_examples=60)
@given(st.lists(windows, min_size=1, max_size=4))
def test_span_is_where_the_gradient_is(stack):
    network = convolutions(stack)
    field = ReceptiveField()
    for kernel, stride, padding, dilation in stack:
        assume((kernel - 1) * dilation + 1 <= 24)
        field = field.after(kernel, stride, padding, dilation)
    position = (EXTENT // 2 - field.start) // field.stride
    first = field.start + position * field.stride
    assume(first >= 0 and first + field.size <= EXTENT)
    low, high = seen(network, position)
    assert field.span(position, EXTENT) == (first, first + field.size)
    # Strides and dilations can leave holes at the edge of a field, never reach beyond it.
    assert first <= low and high <= first + field.size
    if all(dilation == 1 and stride <= kernel for kernel, stride, _, dilation in stack):
        assert (low, high) == (first, first + field.size)


@settings(deadline=None, max_examples=25)
@given(st.lists(windows, min_size=1, max_size=3), st.booleans())
def test_traced_field_holds_all_of_the_gradient(stack, pool):
    field = ReceptiveField().after(3, 2, 1) if pool else ReceptiveField()
    for kernel, stride, padding, dilation in stack:
        field = field.after(kernel, stride, padding, dilation)
    assume(field.size <= EXTENT)  # else a kernel may be larger than what it is to slide over
    network = convolutions(stack)
    layers = [*network]
    if pool:
        layers.insert(0, nn.AvgPool2d(3, 2, 1))
    layers.insert(0, nn.Conv2d(3, 1, 1, bias=False))
    nn.init.ones_(layers[0].weight)
    network = nn.Sequential(*layers).double().eval()
    found = trace(network.float(), (EXTENT, EXTENT))[-1].layer
    assume(found.height > 0)
    image = torch.zeros(1, 3, EXTENT, EXTENT, requires_grad=True)
    row = found.height // 2
    network(image)[0, 0, row, row].backward()
    rows = image.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    low, high = found.field.rows.span(row, EXTENT)
    assert low <= int(rows.min()) and int(rows.max()) + 1 <= high


def test_union_needs_equal_strides():
    one, other = ReceptiveField(3, 2, -1), ReceptiveField(7, 2, -3)
    assert one.union(other) == ReceptiveField(7, 2, -3)
    assert one.union(ReceptiveField(3, 4, 0)) is None


def test_source_through_concatenation_sum_and_flattening():
    layer = Layer(
        name="next",
        kind="linear",
        channels=4,
        height=1,
        width=1,
        field=None,
        inputs=14,
        sources=(
            Segment(0, 3, (("a", 0),)),
            Segment(3, 3, (("b", 5), ("c", 0))),
            Segment(6, 8, (("d", 0),), positions=4),
        ),
    )
    assert layer.source(0, 2) == (Unit("a", 2),)
    assert layer.source(0, 3) == (Unit("b", 5), Unit("c", 0))
    assert [layer.source(0, index)[0].channel for index in (6, 9, 10, 13)] == [0, 0, 1, 1]
    assert layer.source(0, 99) == ()
    assert Layer.from_dict(layer.as_dict()) == layer


def test_groups_read_their_own_inputs():
    sources = (Segment(0, 6, (("before", 0),)),)
    layer = Layer("g", "grouped convolution", 6, 1, 1, None, inputs=2, groups=3, sources=sources)
    assert [layer.source(channel, 1)[0].channel for channel in range(6)] == [1, 1, 3, 3, 5, 5]


def test_a_unit_prints_as_papers_name_it():
    assert str(Unit("layer3.0.conv1", 447)) == "layer3.0.conv1:447"


def test_among_some_layers_what_flows_through_the_others_comes_from_where_they_have_it():
    names = {"a": ("",), "b": ("a",), "c": ("a", "b"), "d": ("c", "")}
    every = [Layer(name, "linear", 1, 1, 1, None, follows=into) for name, into in names.items()]
    assert {one.name: one.follows for one in among(every, {"a", "d"})} == {
        "a": ("",),
        "d": ("a", ""),
    }
    assert among(every, names) == tuple(every)


def test_results_do_not_depend_on_what_a_layer_follows():
    one, other = (Layer("a", "linear", 1, 1, 1, None, follows=into) for into in ((), ("", "b")))
    assert one.computed_of() == other.computed_of() and one.as_dict() != other.as_dict()
    assert Layer.from_dict(other.as_dict()) == other


CHANNELS = {"layer1.conv1": 3, "a:b": 2}


@pytest.mark.parametrize("layer", CHANNELS)
def test_a_unit_is_found_by_what_it_prints(layer: str) -> None:
    for channel in range(CHANNELS[layer]):
        assert unit_named(str(Unit(layer, channel)), CHANNELS, "here") == Unit(layer, channel)


@pytest.mark.parametrize(
    ("text", "problem", "remedy"),
    [
        ("layer1.conv1", "names no unit", '"layer1.conv1:0" say'),
        (":1", "names no unit", "Write layer:channel"),
        ("layer1.conv1:²", "names no unit", "Write layer:channel"),
        ("layer1.conv1:-1", "names no unit", "Write layer:channel"),
        ("layer2.conv1:1", "no layer 'layer2.conv1'", "Did you mean 'layer1.conv1'?"),
        ("x:1", "no layer 'x'", "Known: layer1.conv1, a:b."),
        ("layer1.conv1:3", "no channel 3", "channels 0 to 2"),
    ],
)
def test_a_unit_that_is_not_there_is_told(text: str, problem: str, remedy: str) -> None:
    with pytest.raises(UnknownLayer) as caught:
        unit_named(text, CHANNELS, "here")
    assert caught.value.problem.startswith("here: ") and problem in caught.value.problem
    assert remedy in caught.value.remedy
