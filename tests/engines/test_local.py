"""One queue for all places: every task has its result, and whatever ends it ends all threads."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from queue import SimpleQueue
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from lamella.config.preprocessing import Preprocessing
from lamella.engines import local
from lamella.engines.local import Stopped, Workers, places
from lamella.network.description import Network
from lamella.network.model import Model

Look = Callable[[], None]


def cpus(number: int) -> list[Any]:
    return [SimpleNamespace(device=torch.device("cpu"), name=f"place {at}") for at in range(number)]


@pytest.fixture(autouse=True)
def all_threads_end() -> Iterator[None]:
    """No worker outlives its test, and torch has as many threads as before."""
    before, count = set(threading.enumerate()), torch.get_num_threads()
    yield
    # A thread of an earlier test may end meanwhile; none may be new.
    assert not set(threading.enumerate()) - before
    assert torch.get_num_threads() == count


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_task_has_its_result(number: int) -> None:
    used = set()

    def square(place: Any, task: int, look: Look) -> int:
        used.add(place.name)
        look()
        return task * task

    with Workers(cpus(number), square) as workers:
        for task in range(50):
            workers.submit(task)
        found = list(workers.results())
    assert sorted(found) == [(task, task * task) for task in range(50)]
    assert len(used) <= number


def test_all_places_work_at_once() -> None:
    meeting = threading.Barrier(3, timeout=20)

    def wait(place: Any, task: int, look: Look) -> str:
        meeting.wait()
        return str(place.name)

    with Workers(cpus(3), wait) as workers:
        for task in range(3):
            workers.submit(task)
        assert {place for _, place in workers.results()} == {"place 0", "place 1", "place 2"}


def test_nothing_to_do_is_done() -> None:
    with Workers(cpus(2), lambda place, task, look: task) as workers:
        assert list(workers.results()) == []


def test_tasks_can_be_added_meanwhile() -> None:
    with Workers(cpus(2), lambda place, task, look: task) as workers:
        workers.submit(4)
        found = []
        for task, result in workers.results():
            found.append(result)
            for _ in range(task):
                workers.submit(task - 1)
    # One of 4, four of 3, twelve of 2, twenty-four of 1 and as many of 0.
    assert sorted(found) == [0] * 24 + [1] * 24 + [2] * 12 + [3] * 4 + [4]


def test_lower_numbers_go_first_and_equals_in_turn() -> None:
    ready = threading.Event()
    order = []

    def note(place: Any, task: str, look: Look) -> None:
        ready.wait(20)
        order.append(task)

    with Workers(cpus(1), note) as workers:
        workers.submit("first", -1)
        for task, priority in (("c", 2), ("a", 0), ("d", 2), ("b", 1)):
            workers.submit(task, priority)
        ready.set()
        list(workers.results())
    assert order == ["first", "a", "b", "c", "d"]


def test_on_processors_each_worker_has_one_thread() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    with Workers(cpus(2), lambda place, task, look: torch.get_num_threads()) as workers:
        for task in range(4):
            workers.submit(task)
        assert [threads for _, threads in workers.results()] == [1] * 4
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)


@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("kind", [ValueError, KeyError, SystemExit])
def test_an_error_is_raised_in_the_caller(kind: type[BaseException], number: int) -> None:
    def fail(place: Any, task: int, look: Look) -> int:
        if task == 5:
            raise kind("task 5")
        while task > 5:  # others are under way, and must be dropped
            look()
            time.sleep(0.001)
        return task

    workers = Workers(cpus(number), fail)
    found = []
    with pytest.raises(kind, match="task 5"), workers:
        for task in range(20):
            workers.submit(task)
        for _, result in workers.results():
            found.append(result)
    assert set(found) <= set(range(5))
    assert not any(thread.is_alive() for thread in workers._threads)


def endless(steps: list[int]) -> Callable[[Any, int, Look], int]:
    """Work that only ends when it is stopped; notes each step."""

    def work(place: Any, task: int, look: Look) -> int:
        if task == 0:
            return 0
        while True:
            look()
            steps.append(task)
            time.sleep(0.01)

    return work


@pytest.mark.parametrize("number", [1, 2, 3])
def test_whoever_stops_listening_stops_the_work_within_a_step(number: int) -> None:
    steps: list[int] = []

    def results() -> Iterator[int]:
        with Workers(cpus(number), endless(steps)) as workers:
            for task in range(8):
                workers.submit(task)
            for _, result in workers.results():
                yield result

    with closing(results()) as listening:
        assert next(listening) == 0
        while not steps:
            time.sleep(0.001)
    after = len(steps)
    time.sleep(0.05)
    assert len(steps) == after
    assert len(set(steps)) <= number, "a task was begun that nobody waits for"


@pytest.mark.parametrize("error", [KeyboardInterrupt, Stopped])
def test_ctrl_c_stops_the_work(error: type[BaseException]) -> None:
    steps: list[int] = []
    with pytest.raises(error), Workers(cpus(2), endless(steps)) as workers:
        for task in range(1, 8):
            workers.submit(task)
        while not steps:
            time.sleep(0.001)
        raise error
    after = len(steps)
    time.sleep(0.05)
    assert len(steps) == after


# Where a network can run


def model(device: str = "cpu") -> Model:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).requires_grad_(False).eval()
    facts = Network("n", "s", "d", "a", 1, (8, 8), {}, ())
    return Model(network, Preprocessing(), {}, facts, torch.device(device))


def test_processors_share_one_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 3)
    own = model()
    found = places(own)
    assert len(found) == 3
    assert all(place is own for place in found)


def test_a_gpu_that_was_chosen_is_the_only_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    own = model("cuda:2")
    assert places(own) == [own]
    assert places(model("meta"))[0].device.type == "meta"


def test_all_gpus_have_their_own_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two GPUs, played by tensors that remember where they were sent."""
    sent = []

    def to(self: nn.Module, device: torch.device) -> nn.Module:
        sent.append(device)
        return self

    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(nn.Module, "to", to)
    own = model("cuda")
    found = places(own)
    assert [place.device for place in found] == [torch.device("cuda", at) for at in (0, 1)]
    assert sent == [place.device for place in found]
    assert len({id(place.module) for place in (own, *found)}) == 3
    for place in found:
        assert place.facts is own.facts
        assert place.traced is own.traced
        for copied, was in zip(place.module.parameters(), own.module.parameters(), strict=True):
            assert torch.equal(copied, was)
            assert copied is not was


def test_a_replica_lies_on_its_device_and_leaves_the_first_alone() -> None:
    own = model()
    there = local._on(own, torch.device("meta"))
    assert there.device == torch.device("meta")
    assert {parameter.device.type for parameter in there.module.parameters()} == {"meta"}
    assert {parameter.device.type for parameter in own.module.parameters()} == {"cpu"}
    assert not there.module.training
    assert local._on(own, torch.device("cpu")).module is own.module


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_dies_is_noticed() -> None:
    """It ran out of memory while it told its result."""

    class Full(SimpleQueue[Any]):
        def put(self, item: Any, *more: Any) -> None:
            raise SystemExit  # ends a thread without a word

    with Workers(cpus(2), lambda place, task, look: task) as workers:
        workers._found = Full()
        workers.submit(1)
        with pytest.raises(MemoryError, match="without a result"):
            list(workers.results())
