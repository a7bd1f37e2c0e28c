"""Networks as people of the field write them: each small, each with something of its own."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

SIZE = 32


class Net(nn.Module):
    """Three convolutions and a head, with a forward pass of one's own."""

    def __init__(self, way: Callable[["Net", Tensor], Any], **parts: nn.Module) -> None:
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 12, 3, 2, 1)
        self.c3, self.fc = nn.Conv2d(12, 16, 3, padding=1), nn.Linear(16, 5)
        self.way = way
        for name, part in parts.items():
            setattr(self, name, part)

    def trunk(self, x: Tensor) -> Tensor:
        return F.relu(self.c3(F.relu(self.c2(F.relu(self.c1(x))))))

    def scores(self, maps: Tensor) -> Tensor:
        found: Tensor = self.fc(maps.mean((2, 3)))
        return found

    def forward(self, x: Tensor) -> Any:
        return self.way(self, x)


def tokens(maps: Tensor) -> Tensor:
    return maps.flatten(2).transpose(1, 2)


def plain(net: Net, x: Tensor) -> Tensor:
    return net.scores(net.trunk(x))


def unet(net: Net, x: Tensor) -> Tensor:
    one = net.c1(x).relu()
    two = net.c2(one).relu()
    return net.scores(net.c3(torch.cat([F.interpolate(two, scale_factor=2)[:, :4], one], 1)))


def numpy_inside(net: Net, x: Tensor) -> Tensor:
    maps = net.trunk(x)
    return net.scores(torch.from_numpy(maps.detach().cpu().numpy()).to(x.device))


def no_grad_inside(net: Net, x: Tensor) -> Tensor:
    with torch.no_grad():
        maps = net.trunk(x)
    return net.scores(maps)


def autocast_inside(net: Net, x: Tensor) -> Tensor:
    with torch.autocast(x.device.type, torch.bfloat16):
        return net.scores(net.trunk(x)).float()


def branched(net: Net, x: Tensor) -> Tensor:
    maps = net.c2(net.c1(x).relu())
    maps = net.c3(maps) if x.mean() > 0 else net.c3b(maps)
    return net.scores(maps.relu())


def swished(net: Net, x: Tensor) -> Tensor:
    for conv in (net.c1, net.c2, net.c3):
        x = conv(x)
        x = x * x.sigmoid()
    return net.scores(x)


def fourier(net: Net, x: Tensor) -> Tensor:
    maps = net.c2(net.c1(x).relu())
    spectrum = torch.fft.rfft2(maps, norm="ortho")
    return net.scores(net.c3(torch.fft.irfft2(spectrum, s=maps.shape[2:], norm="ortho")).relu())


def windowed(net: Net, x: Tensor) -> Tensor:
    maps = net.trunk(x).permute(0, 2, 3, 1)
    number, rows, columns, channels = maps.shape
    cut = maps.reshape(number, rows // 4, 4, columns // 4, 4, channels).transpose(2, 3)
    mixed = net.att(*[cut.reshape(-1, 16, channels)] * 3)[0].reshape(cut.shape).transpose(2, 3)
    found: Tensor = net.fc(mixed.reshape(maps.shape).mean((1, 2)))
    return found


def sequence_first(net: Net, x: Tensor) -> Tensor:
    found: Tensor = net.fc(net.encoder(tokens(net.trunk(x)).transpose(0, 1)).mean(0))
    return found


def class_token(net: Net, x: Tensor) -> Tensor:
    found = tokens(net.trunk(x))
    start = net.start.weight[None].expand(len(x), -1, -1)
    scores: Tensor = net.fc(net.encoder(torch.cat([start, found], 1))[:, 0])
    return scores


def einsummed(net: Net, x: Tensor) -> Tensor:
    mixed = torch.einsum("nchw,oc->nohw", net.trunk(x), net.mix.weight)
    return net.scores(mixed.relu())


def recurrent(net: Net, x: Tensor) -> Tensor:
    found: Tensor = net.fc(net.gru(tokens(net.trunk(x)))[0].mean(1))
    return found


def random_inside(net: Net, x: Tensor) -> Tensor:
    return net.scores(F.dropout(net.trunk(x), 0.2, training=True))


def queried(net: Net, x: Tensor) -> Tensor:
    queries = net.start.weight[None].expand(len(x), -1, -1)
    found = tokens(net.trunk(x))
    scores: Tensor = net.fc(net.att(queries, found, found)[0].mean(1))
    return scores


def pyramid(net: Net, x: Tensor) -> Any:
    one = net.c1(x).relu()
    two = net.c3(net.c2(one).relu()).relu()
    return OrderedDict(p1=one, p2=two, logits=net.scores(two))


class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradient * (x > 0)


def own_function(net: Net, x: Tensor) -> Tensor:
    for conv in (net.c1, net.c2, net.c3):
        x = Step.apply(conv(x))  # type: ignore[no-untyped-call]
    return net.scores(x)


def experts(net: Net, x: Tensor) -> Tensor:
    maps = net.c2(net.c1(x).relu())
    shares = net.gate(maps.mean((2, 3))).softmax(1)
    both = torch.stack([net.c3(maps), net.c3b(maps)], 1)
    return net.scores((both * shares[:, :, None, None, None]).sum(1).relu())


def attention() -> nn.MultiheadAttention:
    return nn.MultiheadAttention(16, 2, batch_first=True)


def encoder(batch_first: bool = True) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=batch_first)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


def scripted() -> nn.Module:
    net = Net(plain)
    net.c3 = torch.jit.script(net.c3)
    return net


def pruned() -> nn.Module:
    from torch.nn.utils import prune

    net = Net(plain)
    prune.random_unstructured(net.c2, "weight", 0.5)
    return net


def normed(norm: Callable[[nn.Module], nn.Module]) -> nn.Module:
    net = Net(plain)
    net.c2, net.c3 = norm(net.c2), norm(net.c3)
    return net


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "plain": lambda: Net(plain),
    "view": lambda: Net(lambda n, x: n.fc(F.avg_pool2d(n.trunk(x), 8).view(-1, 16))),
    "flattened": lambda: Net(lambda n, x: n.big(n.trunk(x).flatten(1)), big=nn.Linear(1024, 5)),
    "dict": lambda: Net(lambda n, x: {"logits": plain(n, x), "hidden": n.trunk(x)}),
    "tuple": lambda: Net(lambda n, x: (plain(n, x), n.trunk(x))),
    "feature pyramid": lambda: Net(pyramid),
    "U-Net": lambda: Net(unet),
    "autoencoder": lambda: Net(
        lambda n, x: n.up(n.c2(n.c1(x).relu()).relu()), up=nn.ConvTranspose2d(12, 3, 4, 2, 1)
    ),
    "pixel shuffle": lambda: Net(lambda n, x: n.scores(n.c3(n.ps(n.c2(n.c1(x))))[:, :16]),
                                 ps=nn.Sequential(nn.Conv2d(12, 48, 1), nn.PixelShuffle(2))),
    "shared layer": lambda: Net(lambda n, x: n.scores(n.s(n.s(n.trunk(x)).relu()).relu()),
                                s=nn.Conv2d(16, 16, 3, padding=1)),
    "activation by hand": lambda: Net(swished),
    "glu": lambda: Net(lambda n, x: n.scores(F.glu(n.two(n.trunk(x)), 1)),
                       two=nn.Conv2d(16, 32, 1)),
    "numpy inside": lambda: Net(numpy_inside),
    "no_grad inside": lambda: Net(no_grad_inside),
    "autocast inside": lambda: Net(autocast_inside),
    "checkpointed": lambda: Net(
        lambda n, x: n.scores(checkpoint(n.trunk, x, use_reentrant=False))
    ),
    "branched": lambda: Net(branched, c3b=nn.Conv2d(12, 16, 3, padding=1)),
    "always random": lambda: Net(random_inside),
    "Fourier": lambda: Net(fourier),
    "einsum": lambda: Net(einsummed, mix=nn.Linear(16, 16)),
    "GRU": lambda: Net(recurrent, gru=nn.GRU(16, 16, batch_first=True)),
    "Conv1d": lambda: Net(lambda n, x: n.fc(n.line(n.trunk(x).flatten(2)).mean(2)),
                          line=nn.Conv1d(16, 16, 3)),
    "own function": lambda: Net(own_function),
    "scripted part": scripted,
    "pruned": pruned,
    "weight norm": lambda: normed(nn.utils.parametrizations.weight_norm),
    "spectral norm": lambda: normed(nn.utils.parametrizations.spectral_norm),
    "half precision": lambda: Net(plain).half(),
    "data parallel": lambda: nn.DataParallel(Net(plain)),
    "experts": lambda: Net(experts, gate=nn.Linear(12, 2), c3b=nn.Conv2d(12, 16, 3, padding=1)),
    "windows": lambda: Net(windowed, att=attention()),
    "encoder, sequence first": lambda: Net(sequence_first, encoder=encoder(False)),
    "encoder, class token": lambda: Net(class_token, encoder=encoder(), start=nn.Embedding(1, 16)),
    "learned queries": lambda: Net(queried, att=attention(), start=nn.Embedding(6, 16)),
    "two inputs": lambda: nn.Bilinear(3, 3, 3),
    "channels last input": lambda: Net(lambda n, x: plain(n, x.permute(0, 3, 1, 2))),
    "batch statistics": lambda: Net(
        lambda n, x: n.scores(n.bn(n.trunk(x))), bn=nn.BatchNorm2d(16, track_running_stats=False)
    ),
    "product with a matrix": lambda: Net(lambda n, x: plain(n, x) @ n.proj.weight,
                                         proj=nn.Embedding(5, 4)),
    "one output": lambda: Net(lambda n, x: plain(n, x)[:, :1]),
    "embedding": lambda: Net(lambda n, x: F.normalize(n.trunk(x).mean((2, 3)))),
}  # fmt: skip


def made(name: str) -> nn.Module:
    """A network of that name, in eval mode, with the same weights each time."""
    torch.manual_seed(0)
    return NETWORKS[name]().eval()
