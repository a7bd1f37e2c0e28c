"""Parameterizations: what is optimised. Here, the spectrum of an image.

Flow: **param** -> transform -> network -> objective -> ascend. pixels.py and maco.py are the
alternatives. Steps in a decorrelated space, whose axes are frequencies and the principal colours of
photographs, spread the gradient evenly over scales and hues; steps on pixels end in high-frequency
noise.

Source: Olah, Mordvintsev and Schubert, Distill 2017, doi:10.23915/distill.00007, section
"Preconditioning and Parameterization"; the colour matrix and the start are lucid's.
"""

from collections.abc import Sequence
from typing import Any, Protocol, cast

import torch
from torch import Tensor

from lamella.config.planes import COLOURS, Matrix

# Start of an image: how far from black and white its pixels must keep to be a sigmoid's.
MARGIN = 0.005

# A spectrum whose coefficients all have magnitude one gives a picture of this standard deviation
# per decorrelated colour, before the sigmoid. It makes a learning rate mean the same for every
# size, decay and longest wave.
CONTRAST = 2.0


class Parameterization(Protocol):
    """How numbers become a picture. The first axis of the numbers is the image.

    Attributes:
        side: of the square pictures, in pixels.
    """

    side: int

    def start(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Numbers of a random start, one image per generator."""

    def zeros(self, images: int) -> Tensor:
        """Numbers of plain grey pictures."""

    def of(self, images: Tensor) -> Tensor:
        """Numbers of given images in [0, 1], `(image, plane, side, side)`, or the nearest."""

    def __call__(self, numbers: Tensor, /) -> Tensor:
        """Images in [0, 1], `(image, plane, side, side)`; differentiable."""

    def confine(self, numbers: Tensor, /) -> None:
        """Bring numbers back, in place, to where they mean a picture; after every step."""


class Framed:
    """The middle of another parameterization's pictures, in a frame of plain grey.

    Args:
        seen: its height and width.
    """

    def __init__(self, inner: Parameterization, seen: tuple[int, int]) -> None:
        self.inner, self.side = inner, inner.side
        self.start, self.zeros = inner.start, inner.zeros
        self.of, self.confine = inner.of, inner.confine
        top, left = ((self.side - extent) // 2 for extent in seen)
        self.inside = torch.zeros(self.side, self.side, dtype=torch.bool)
        self.inside[top : top + seen[0], left : left + seen[1]] = True

    def __call__(self, numbers: Tensor) -> Tensor:
        """Images in [0, 1], `(image, plane, side, side)`."""
        images = self.inner(numbers)
        return torch.where(self.inside.to(images.device), images, 0.5)


class Fourier:
    """Images as real two-dimensional spectra of decorrelated colours.

    `image = sigmoid(colours @ irfft2(spectrum * scale))`, where `scale` falls with the frequency as
    photographs do: `1 / max(f, 1 / wave) ** decay`, f in cycles per pixel.

    Args:
        side: of the square images, in pixels.
        decay: how fast fine detail is damped; 1 is the slope of photographs.
        wave: the longest wave that is favoured, in pixels. Longer ones get no more weight than it;
            without it, the side. A unit that sees 7 pixels is indifferent to what happens over 60,
            and would get a picture of random blots.
        deviation: standard deviation of the random start, per real number of the spectrum.
        decorrelated: whether the colours are the principal ones; else the planes themselves.
        axes: square root of the planes' covariance, see `Planes`; that of photographs.
        device: where the images are.

    Attributes:
        decay, wave, decorrelated: as given; `wave` is at most the side.
        scale: weight of each frequency, float32, `(side, side // 2 + 1)`; see `CONTRAST`.
        colours: decorrelated colour to plane, `(plane, colour)`, over its largest column norm.
    """

    def __init__(
        self,
        side: int,
        *,
        decay: float = 1.0,
        wave: float | None = None,
        deviation: float = 0.01,
        decorrelated: bool = True,
        axes: Matrix = COLOURS,
        device: torch.device | str = "cpu",
    ) -> None:
        self.side = side
        self.deviation = deviation
        self.decay, self.wave, self.decorrelated = decay, min(wave or side, side), decorrelated
        rows = torch.fft.fftfreq(side, dtype=torch.float64)
        columns = torch.fft.rfftfreq(side, dtype=torch.float64)
        frequency = torch.hypot(rows[:, None], columns[None, :])
        scale = frequency.clamp(min=1 / self.wave) ** -decay
        twice = column_weights(columns, side)
        scale *= CONTRAST * side / (scale.square() * twice).sum().sqrt()
        self.scale = scale.to(device, torch.float32)
        self.colours = colour_axes(axes, decorrelated).to(device)
        self._back = (scale * twice).to(device, torch.float32)

    def start(self, generators: Sequence[torch.Generator]) -> Tensor:
        """Random spectra, one per generator: float32, `(image, plane, side, side // 2 + 1, 2)`.

        The last axis holds the real and the imaginary part. Drawn on the CPU whatever the device,
        so that a seed means the same picture everywhere.
        """
        shape = (len(self.colours), self.side, self.side // 2 + 1, 2)
        drawn = [torch.randn(shape, generator=generator) for generator in generators]
        return (torch.stack(drawn) * self.deviation).to(self.scale.device)

    def zeros(self, images: int) -> Tensor:
        """Spectra of plain grey images."""
        planes = len(self.colours)
        return self.scale.new_zeros(images, planes, self.side, self.side // 2 + 1, 2)

    def of(self, images: Tensor) -> Tensor:
        """Spectra of given images, `(image, plane, side, side)`."""
        spectra = torch.fft.rfft2(planes_of(images, self.colours), norm="ortho") / self.scale
        return torch.view_as_real(spectra).clone()

    def confine(self, spectra: Tensor) -> None:
        """Every spectrum is a picture."""

    def __call__(self, spectra: Tensor) -> Tensor:
        """Images in [0, 1], `(image, plane, side, side)`, from spectra as `start` draws them.

        One transform for the whole batch; differentiable.
        """
        # torch's own annotations end at `apply`.
        image = _Image.apply(spectra, self.scale, self._back, self.colours)  # type: ignore[no-untyped-call]
        return cast(Tensor, image)


def column_weights(columns: Tensor, side: int) -> Tensor:
    """How many columns of a real image's spectrum each column of `rfft2` stands for: 1 or 2.

    Its mirror image too, but for the first and an even side's last.

    Args:
        columns: as `torch.fft.rfftfreq(side)` gives them.
    """
    weights = torch.full_like(columns, 2.0)
    weights[0] = 1.0
    if side % 2 == 0:
        weights[-1] = 1.0
    return weights


def colour_axes(axes: Matrix = COLOURS, decorrelated: bool = True) -> Tensor:
    """The decorrelated colours, float32 `(plane, colour)`, over the largest column norm."""
    if not decorrelated:
        return torch.eye(len(axes))
    colours = torch.tensor(axes, dtype=torch.float64)
    found: Tensor = colours / torch.linalg.vector_norm(colours, dim=0).max()
    return found.float()


def planes_of(images: Tensor, colours: Tensor) -> Tensor:
    """Images as planes of decorrelated colours before the sigmoid, of the same shape."""
    logits = images.float().clamp(MARGIN, 1 - MARGIN).logit()
    planes: Tensor = torch.einsum("cr,irhw->ichw", torch.linalg.inv(colours), logits)
    return planes


def mixed(planes: Tensor, colours: Tensor) -> Tensor:
    """Planes of decorrelated colours, `(image, colour, row, column)`, as images in [0, 1]."""
    logits: Tensor = torch.einsum("rc,ichw->irhw", colours, planes)
    return logits.sigmoid()


def scrambled(images: Tensor, seeds: Sequence[int], axes: Matrix = COLOURS) -> Tensor:
    """Images with the magnitudes of given images' spectra, and random phases.

    So a start has the colours and the detail of a photograph, and shows nothing of it.

    Args:
        images: images in [0, 1], `(image, plane, side, side)`.
        seeds: one per image.
    """
    colours = colour_axes(axes).to(images.device)
    spectra = torch.fft.rfft2(planes_of(images, colours), norm="ortho")
    noise = [
        torch.randn(images.shape[1:], generator=torch.Generator().manual_seed(seed))
        for seed in seeds
    ]
    phases = torch.fft.rfft2(torch.stack(noise).to(images.device), norm="ortho").angle()
    side = images.shape[-1]
    drawn = torch.polar(spectra.abs(), phases)
    drawn[:, :, 0, 0] = spectra[:, :, 0, 0]  # the mean colour stays what it is
    return mixed(torch.fft.irfft2(drawn, s=(side, side), norm="ortho"), colours)


class _Image(torch.autograd.Function):
    """The formula of `Fourier` with its derivative by hand: autograd's takes a third longer."""

    @staticmethod
    def forward(ctx: Any, spectra: Tensor, scale: Tensor, back: Tensor, colours: Tensor) -> Tensor:
        side = scale.shape[0]
        scaled = torch.view_as_complex(spectra) * scale
        planes = torch.fft.irfft2(scaled, s=(side, side), norm="ortho")
        pixels = torch.matmul(colours, planes.flatten(2)).sigmoid_()  # (image, plane, pixel)
        ctx.save_for_backward(pixels, back, colours)
        return pixels.reshape(*planes.shape)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        pixels, back, colours = ctx.saved_tensors
        logits = torch.ops.aten.sigmoid_backward(gradient.flatten(2), pixels)
        planes = torch.matmul(colours.T, logits).reshape(gradient.shape)
        # The adjoint of irfft2 is rfft2, with the columns twice that stand for two.
        spectra = torch.fft.rfft2(planes, norm="ortho").mul_(back)
        return torch.view_as_real(spectra), None, None, None
