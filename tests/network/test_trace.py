"""Layers, read off a forward pass, for the ways in which networks are written."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lamella.errors import ModelError
from lamella.network.activations import cut, visit
from lamella.network.trace import examined, trace
from lamella.network.units import OTHER_HALF


class Odd(nn.Module):
    """Functional and in-place activations, control flow, a shared layer, a sum, a concatenation."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.shared = nn.Conv2d(4, 4, 3, padding=1)
        self.side = nn.Conv2d(4, 2, 1)
        self.head = nn.Linear(6, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.norm(self.stem(x)), inplace=True)
        for _ in range(2):
            x = x + torch.relu_(self.shared(x))
        if x.shape[-1] > 4:
            x = F.max_pool2d(x, 2)
        x = torch.cat([x, F.gelu(self.side(x))], dim=1)
        return self.head(x.mean((2, 3)))


@pytest.fixture
def odd() -> nn.Module:
    torch.manual_seed(0)
    network = Odd().eval()
    nn.init.uniform_(network.norm.running_mean, -1, 1)
    return network


def test_layers_of_an_oddly_written_network(odd):
    found = {traced.layer.name: traced for traced in trace(odd, (16, 16))}
    assert list(found) == ["stem", "shared", "shared.call2", "side", "head"]
    stem = found["stem"].layer
    assert (stem.activation, stem.channels, stem.height, stem.kernel) == ("relu", 4, 16, (3, 3))
    assert stem.field.size == 3 and stem.field.rows.start == -1
    assert found["shared.call2"].layer.sources[0].layers == (("stem", 0), ("shared", 0))
    assert found["side"].layer.activation == "gelu" and not found["side"].layer.signed
    origins = [(s.first, s.channels, s.layers) for s in found["head"].layer.sources]
    assert origins[1] == (4, 2, (("side", 0),))
    assert found["head"].layer.field is None


def test_values_are_those_of_the_modules(odd):
    """In-place operations behind a value do not spoil it, and pre-activations stay signed."""
    found = {traced.layer.name: traced for traced in trace(odd, (16, 16))}
    image = torch.rand(2, 3, 16, 16)
    kept: dict[str, Tensor] = {}
    with torch.no_grad():
        visit(
            odd,
            image,
            {
                found["stem"].observed: lambda value: kept.update(stem=value.clone()),
                found["shared"].observed: lambda value: kept.update(shared=value.clone()),
            },
        )
        before = odd.norm(odd.stem(image))
        stem = before.relu()
        assert torch.equal(kept["stem"], stem)
        assert torch.equal(kept["shared"], odd.shared(stem).relu())
        assert torch.equal(cut(odd, found["stem"].target)(image), before)
    assert before.min() < 0


def test_the_pass_stops_behind_the_last_value(odd):
    found = {traced.layer.name: traced for traced in trace(odd, (16, 16))}
    ran = []
    odd.side.register_forward_pre_hook(lambda *_: ran.append("side"))
    cut(odd, found["shared"].observed)(torch.rand(1, 3, 16, 16))
    assert not ran


def test_nothing_is_left_behind(odd):
    trace(odd, (16, 16))
    from torch.nn.modules import module

    assert not module._global_forward_hooks and not module._global_forward_pre_hooks
    assert all(not part._forward_hooks for part in odd.modules())
    assert not torch.overrides._get_current_function_mode_stack()


def test_gradients_flow_through_a_cut(odd):
    target = trace(odd, (16, 16))[0].target
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    cut(odd, target)(image).sum().backward()
    assert image.grad.abs().sum() > 0


def test_another_path_is_told(odd):
    class Fickle(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)
            self.often = True

        def forward(self, x: Tensor) -> Tensor:
            return F.relu(self.conv(x)) if self.often else self.conv(x)

    network = Fickle().eval()
    observed = trace(network, (8, 8))[0].observed
    network.often = False
    with pytest.raises(ModelError, match="another path"):
        visit(network, torch.rand(1, 3, 8, 8), {observed: lambda value: None})


def test_errors_of_shape_are_the_networks_or_the_visitors():
    """Of the network they are told in the user's words; a visitor's are its own."""
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Flatten(), nn.Linear(2 * 64, 3)).eval()
    first, last = (found.observed for found in trace(network, (8, 8)))
    with pytest.raises(ModelError, match="does not run on images of 4 x 4 pixels"):
        visit(network, torch.rand(1, 3, 4, 4), {last: lambda value: None})
    with pytest.raises(RuntimeError, match="must match the size"):
        visit(network, torch.rand(1, 3, 8, 8), {first: lambda value: value + torch.ones(3)})


def test_a_network_without_layers_is_told():
    with pytest.raises(ModelError, match="no convolution or linear layer"):
        trace(nn.Sequential(nn.ReLU()), (8, 8))


def test_a_network_that_does_not_run_is_told():
    with pytest.raises(ModelError, match="8 x 8 pixels"):
        trace(nn.Sequential(nn.Flatten(), nn.Linear(7, 3)).eval(), (8, 8))


# Units and convolution layers as published or counted by hand over modules.
@pytest.mark.parametrize(
    ("name", "layers", "units"),
    [("squeezenet1_1", 26, 3944), ("resnet18", 21, 5800), ("mobilenet_v3_small", 54, 10968)],
)
def test_layers_of_torchvision(name, layers, units):
    from lamella.loading.torchvision_models import mend_torchvision

    mend_torchvision()
    from torchvision import models

    network = models.get_model(name, weights=None).eval()
    found = [traced.layer for traced in trace(network, (224, 224))]
    named = {path for path, m in network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    assert {layer.name for layer in found} == named
    assert (len(found), sum(layer.channels for layer in found)) == (layers, units)


def test_flattened_maps_and_layouts():
    """A map flattened into a vector, and channels last as in ConvNeXt."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, stride=2)
            self.norm = nn.LayerNorm(4)
            self.point = nn.Linear(4, 8)
            self.head = nn.Linear(8 * 9, 5)

        def forward(self, x: Tensor) -> Tensor:
            x = self.norm(self.conv(x).permute(0, 2, 3, 1))
            x = F.gelu(self.point(x)).permute(0, 3, 1, 2)
            return self.head(torch.flatten(x, 1))

    network = Net().eval()
    conv, point, head = (traced.layer for traced in trace(network, (8, 8)))
    assert (point.channels, point.height, point.width) == (8, 3, 3)
    assert point.field == conv.field and point.sources[0].layers == (("conv", 0),)
    assert head.sources[0].positions == 9 and head.source(0, 9)[0].channel == 1
    shapes = []
    visit(
        network,
        torch.rand(2, 3, 8, 8),
        {
            traced.observed: lambda v: shapes.append(tuple(v.shape))
            for traced in trace(network, (8, 8))
        },
    )
    assert shapes == [(2, 4, 3, 3), (2, 8, 3, 3), (2, 5, 1, 1)]


def test_a_border_shifts_the_field():
    """TensorFlow's padding: the odd zero behind. A reflection is another matter."""

    class Net(nn.Module):
        def __init__(self, mode: str) -> None:
            super().__init__()
            self.mode = mode
            self.first = nn.Conv2d(3, 2, 3, stride=2)
            self.second = nn.Conv2d(2, 2, 5)

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(F.pad(x, (0, 1, 0, 1)))
            return self.second(F.pad(x, (1, 3, 2, 2), mode=self.mode))

    first, second = (traced.layer for traced in trace(Net("constant").eval(), (16, 16)))
    assert (first.field.size, first.field.rows.start) == (3, 0)
    assert (second.field.size, second.field.rows.start, second.field.columns.start) == (11, -4, -2)
    assert second.sources[0].layers == (("first", 0),)
    assert trace(Net("reflect").eval(), (16, 16))[1].layer.field is None


@pytest.mark.parametrize(
    ("activation", "name", "signed"),
    [
        (nn.ReLU6(), "relu6", False),
        (nn.ReLU6(inplace=True), "relu6", False),
        (F.relu6, "relu6", False),
        (lambda x: F.hardtanh(x, max_val=6, min_val=0), "relu6", False),
        (lambda x: F.hardtanh_(x, 0, 6), "relu6", False),
        (nn.Hardtanh(), "hardtanh", True),
        (nn.Hardtanh(-6, 6), "hardtanh", True),
    ],
)
def test_relu6_is_known_for_what_it_is(activation, name, signed):
    """As a module it calls hardtanh; its units are not signed for that."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 1)
            self.last = nn.Conv2d(2, 2, 1)
            self.activation = activation

        def forward(self, x: Tensor) -> Tensor:
            return self.last(self.activation(self.conv(x)))

    network = Net().eval()
    (traced, _) = trace(network, (8, 8))
    assert (traced.layer.activation, traced.layer.signed) == (name, signed)
    assert cut(network, traced.observed)(torch.rand(1, 3, 8, 8)).shape == (1, 2, 8, 8)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_kernels_of_grouped_transposed_convolutions(groups: int) -> None:
    """What each output's kernel reads is what its gradient says."""
    torch.manual_seed(groups)
    first, second = nn.Conv2d(3, 4, 1), nn.ConvTranspose2d(4, 8, 3, stride=2, groups=groups)
    network = nn.Sequential(first, second).eval()
    traced = trace(network, (6, 6))[1]
    kinds = {1: "transposed", 2: "grouped transposed", 4: "depthwise transposed"}
    assert traced.layer.kind == f"{kinds[groups]} convolution" and traced.layer.channels == 8
    assert traced.kernel.shape == (8, 4 // groups, 3, 3)
    maps = torch.zeros(1, 4, 4, 4, requires_grad=True)
    for channel in range(8):
        (gradient,) = torch.autograd.grad(second(maps)[0, channel].sum(), maps)
        reads = gradient[0, :, 1, 1]  # a place that the whole kernel slides from
        wanted = torch.zeros(4)
        group = channel // (8 // groups)
        for index in range(4 // groups):
            wanted[group * (4 // groups) + index] = traced.kernel[channel, index].sum()
        assert torch.allclose(reads, wanted, atol=1e-5)
        inputs = [traced.layer.source(channel, index) for index in range(4 // groups)]
        assert [unit.channel for (unit,) in inputs] == wanted.nonzero().flatten().tolist()


@pytest.mark.parametrize(
    ("gate", "left", "right"),
    [
        (lambda n, x: F.silu(n.one(x)) * n.two(x), "two", "one"),
        (lambda n, x: n.one(x).sigmoid() * n.one(n.two(x)), "one.call2", ""),
        (lambda n, x: F.glu(n.one(x), 1), OTHER_HALF, None),
        (lambda n, x: (lambda a, b: a * b.sigmoid())(*n.one(x).chunk(2, 1)), OTHER_HALF, None),
        (lambda n, x: (lambda a, b: F.gelu(a) * b)(*n.one(x).split(2, 1)), OTHER_HALF, None),
        (lambda n, x: (lambda a, b: a * b)(*n.one(x).chunk(2, 1)), OTHER_HALF, None),
        (lambda n, x: n.one(x) + n.two(x), "", ""),
        (lambda n, x: n.one(x) * n.two(x).mean((2, 3), keepdim=True), "", ""),
        (lambda n, x: n.one(x) * n.scale, "", None),
        (lambda n, x: n.one(x) * n.one(x).sigmoid().detach(), "one.call2", None),
    ],
)
def test_products_of_two_branches_are_told(gate, left, right):
    """Their layers stay what they are: the values before the product."""

    class Gated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.start, self.one, self.two = (nn.Conv2d(each, 4, 1) for each in (3, 4, 4))
            self.scale = nn.Parameter(torch.rand(4, 1, 1))

        def forward(self, images: Tensor) -> Tensor:
            found: Tensor = gate(self, self.start(images).relu())
            return found.mean((2, 3))

    found = {each.layer.name: each.layer for each in trace(Gated().eval(), (8, 8))}
    assert found["one"].multiplied == left
    assert right is None or found["two"].multiplied == right
    assert found["start"].multiplied == "" and "multiplied" not in found["start"].as_dict()
    assert all(type(layer).from_dict(layer.as_dict()) == layer for layer in found.values())


class Products(nn.Module):
    """Linear layers that are written as products: CLIP's `x @ proj`, one's own nn.Linear."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.weight, self.bias = nn.Parameter(torch.rand(6, 4)), nn.Parameter(torch.rand(6))
        self.proj = nn.Parameter(torch.rand(6, 5))
        self.register_buffer("fixed", torch.rand(4, 4))

    def forward(self, images: Tensor) -> Tensor:
        tokens = self.conv(images).flatten(2).transpose(1, 2) @ self.fixed
        tokens = (tokens @ tokens.transpose(1, 2)).softmax(-1) @ tokens
        tokens = torch.relu(torch.matmul(tokens, self.weight.t()) + self.bias)
        return tokens.mean(1) @ self.proj


def test_products_with_a_learned_matrix_are_layers() -> None:
    network = Products().eval().requires_grad_(False)
    seen = examined(network, (4, 4))
    found = {each.layer.name: each for each in seen.traced}
    assert list(found) == ["conv", "matmul", "proj"] and seen.outside == ("bias",)
    own, last = found["matmul"], found["proj"]
    assert (own.layer.kind, own.layer.channels, own.layer.activation) == ("linear", 6, "relu")
    assert torch.equal(own.kernel[:, :, 0, 0], network.weight)
    assert torch.equal(last.kernel[:, :, 0, 0], network.proj.t())
    assert last.layer.sources[0].layers == (("matmul", 0),)
    images = torch.rand(2, 3, 4, 4)
    kept: dict[str, Tensor] = {}
    visit(
        network,
        images,
        {
            each.observed: lambda values, name=name: kept.update({name: values.clone()})
            for name, each in found.items()
        },
    )
    assert torch.equal(kept["proj"][:, :, 0, 0], network(images))
    assert torch.allclose(kept["matmul"].mean((2, 3)) @ network.proj, network(images))
    network.proj = nn.Parameter(torch.rand(6, 5), requires_grad=False)
    visit(network, images, {last.observed: lambda values: None})


def follows(network: nn.Module, *shape: int) -> dict[str, tuple[str, ...]]:
    found = trace(network.eval(), (16, 16), *shape)
    return {one.layer.name: one.layer.follows for one in found}


def test_layers_say_which_they_follow(odd):
    """Through sums, concatenations and pooling, as far back as the next layer; "" is the image."""
    assert follows(odd) == {
        "stem": ("",),
        "shared": ("stem",),
        "shared.call2": ("stem", "shared"),
        "side": ("stem", "shared", "shared.call2"),
        "head": ("stem", "shared", "shared.call2", "side"),
    }


class Mixing(nn.Module):
    """Attention, a gate, a tensor of the same shape, and the image once more at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.see = nn.Conv2d(3, 4, 4, 4)
        self.attend = nn.MultiheadAttention(4, 2, batch_first=True)
        self.gate = nn.Linear(4, 4)
        self.head = nn.Linear(7, 2)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.see(x).flatten(2).transpose(1, 2)
        noise = torch.zeros_like(tokens)
        tokens = self.attend(tokens, tokens, tokens, need_weights=False)[0] + noise
        mask = tokens.new_zeros(tokens.shape[1])
        gated = tokens * torch.sigmoid(self.gate(tokens.mean(1, keepdim=True))) + mask[:, None]
        return self.head(torch.cat([gated.mean(1), x.mean((2, 3))], 1))


def test_layers_follow_through_attention_and_gates():
    found = follows(Mixing())
    projections = [name for name in found if name.startswith("attend")]
    assert found[projections[0]] == ("see",) and found["gate"] == (projections[-1],)
    assert found["head"] == ("", projections[-1], "gate")
