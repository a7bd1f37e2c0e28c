"""How many pictures fit: the largest number that does, found from two measurements."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from lamella.engines import memory as batching
from lamella.engines.memory import bytes_of, fitting, limit_of, ran_out


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other make a busy machine slow."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@given(
    fixed=st.integers(0, 1000),
    each=st.integers(1, 100),
    limit=st.integers(0, 5000),
    most=st.integers(1, 300),
)
def test_the_largest_batch_that_fits(fixed: int, each: int, limit: int, most: int) -> None:
    measured: list[int] = []

    def measure(images: int) -> int:
        measured.append(images)
        return fixed + each * images

    def slow() -> int:
        best = 1
        for images in range(1, most + 1):
            if fixed + each * images <= limit:
                best = images
        return best if best <= 8 else best - best % 8

    found = fitting(measure, limit, most)
    assert found == slow()
    assert measured == [1, 2], "a probe costs a forward and backward pass"
    assert 1 <= found <= most
    assert found <= 8 or found % 8 == 0
    if found > 1:
        assert fixed + each * found <= limit, "it does not fit"


def test_pictures_that_take_nothing_are_as_many_as_may_be() -> None:
    assert fitting(lambda images: 5, limit=1000, most=16) == 16


@given(each=st.integers(1, 100), limit=st.integers(1, 10_000), more=st.integers(0, 10_000))
def test_more_memory_is_never_a_smaller_batch(each: int, limit: int, more: int) -> None:
    def measure(images: int) -> int:
        return each * images

    assert fitting(measure, limit + more, 256) >= fitting(measure, limit, 256)


@pytest.mark.parametrize(
    ("error", "so"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes"), True),
        (RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate"), True),
        (RuntimeError("MPS backend out of memory"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("out of memory"), False),
        (KeyboardInterrupt(), False),
    ],
)
def test_what_says_that_memory_ran_out(error: BaseException, so: bool) -> None:
    assert ran_out(error) is so


def test_the_limit_is_shared_among_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    model: Any = SimpleNamespace(device=torch.device("cpu"))
    assert limit_of(model, 4, asked=2.0) == 500_000_000
    sizes = {"SC_PAGE_SIZE": 4096, "SC_PHYS_PAGES": 1_000_000}
    monkeypatch.setattr(batching.os, "sysconf", sizes.__getitem__, raising=False)
    assert limit_of(model, 1, asked=None) == 2_048_000_000
    assert limit_of(model, 2, asked=None) == 1_024_000_000

    def unknown(name: str) -> int:
        raise ValueError(name)

    monkeypatch.setattr(batching.os, "sysconf", unknown, raising=False)
    assert limit_of(model, 2, asked=None) == 1_000_000_000


class Layers(nn.Module):
    """A network that keeps its hidden values for the gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3, padding=1)
        )
        self.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        values: Tensor = self.layers(images)
        return values


def test_memory_grows_by_the_same_amount_with_each_picture() -> None:
    network = Layers()
    model: Any = SimpleNamespace(
        device=torch.device("cpu"),
        module=network,
        plain=lambda value, rows, columns, number: torch.full((number, 3, rows, columns), value),
    )
    taken: Callable[[int], int] = lambda images: bytes_of(network, model, 32, images)  # noqa: E731
    one, two, four = taken(1), taken(2), taken(4)
    assert two - one > 0
    assert four - two == 2 * (two - one)
    hidden = 8 * 32 * 32 * 4  # the map behind the ReLU, at the least
    assert two - one >= hidden
    assert one < 2 * (two - one), "the weights count, or something else that does not grow"
    assert bytes_of(network, model, 64, 1) == 4 * one
