"""All processors, or all GPUs, of this machine, working off one queue.

Flow: an analysis hands in tasks -> **local** -> results, as they finish. One thread per place: a
GPU, or one core of the processor. On processors each worker computes with a single thread: small
operations do not gain from a second one, and the bytes of a result do not depend on how many cores
there are.
"""

import itertools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from queue import Empty, PriorityQueue, SimpleQueue
from types import TracebackType
from typing import Generic, TypeVar

import torch

from lamella.engines.copies import copied
from lamella.network.model import Model

T = TypeVar("T")
R = TypeVar("R")

WAIT = 0.2  # seconds between two looks at whether somebody wants to stop


class Stopped(Exception):
    """Ends a task whose result nobody waits for any more."""


def places(model: Model) -> list[Model]:
    """The network, once for each place of this machine where it can run.

    All GPUs where it is on one that was not chosen by number; as many times as torch would use
    threads on processors, sharing the weights.
    """
    if model.device.type == "cuda" and model.device.index is None:
        return [_on(model, torch.device("cuda", at)) for at in range(torch.cuda.device_count())]
    if model.device.type == "cpu":
        return [model] * torch.get_num_threads()
    return [model]


def _on(model: Model, device: torch.device) -> Model:
    """The same network on another device; the first GPU keeps the module that is there."""
    at = next(model.module.parameters(), torch.zeros(())).device
    module = model.module if at == device else copied(model).to(device)
    return replace(model, module=module, device=device)


class Workers(Generic[T, R]):
    """Threads that work off tasks, one per place; a context manager.

    Args:
        places: see `places`.
        work: one task at a place. Is also given a function to call now and then, which raises
            `Stopped` when the task should be dropped.
    """

    def __init__(
        self, places: Sequence[Model], work: Callable[[Model, T, Callable[[], None]], R]
    ) -> None:
        self._places = places
        self._work = work
        self._tasks: PriorityQueue[tuple[float, int, T | None]] = PriorityQueue()
        self._turn = itertools.count()  # of equal priority, the first comes first
        self._found: SimpleQueue[tuple[T, R | None, BaseException | None]] = SimpleQueue()
        self._open = 0
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._before = torch.get_num_threads()

    def __enter__(self) -> "Workers[T, R]":
        if self._places[0].device.type == "cpu":
            torch.set_num_threads(1)
        for place in self._places:
            thread = threading.Thread(target=self._run, args=(place,), daemon=True)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for _ in self._threads:
            self._tasks.put((-math.inf, next(self._turn), None))
        for thread in self._threads:
            thread.join()
        torch.set_num_threads(self._before)

    def submit(self, task: T, priority: float = 0.0) -> None:
        """Put a task into the queue, behind those of the same and of lower priority numbers."""
        self._open += 1
        self._tasks.put((priority, next(self._turn), task))

    def results(self) -> Iterator[tuple[T, R]]:
        """Tasks and results as they finish, until none is left; tasks may be added meanwhile.

        Raises:
            whatever a task raised; MemoryError where a worker has ended without a word.
        """
        while self._open:
            try:  # waits in short turns, so that Ctrl-C works on every system
                task, result, error = self._found.get(timeout=WAIT)
            except Empty:
                if not all(thread.is_alive() for thread in self._threads):
                    raise MemoryError("a worker ended without a result") from None
                continue
            self._open -= 1
            if error is not None:
                raise error
            yield task, result  # type: ignore[misc]

    def _run(self, place: Model) -> None:
        if place.device.type == "cpu":
            torch.set_num_threads(1)
        while (task := self._tasks.get()[2]) is not None and not self._stop.is_set():
            try:
                self._found.put((task, self._work(place, task, self._look), None))
            except Stopped:
                return
            except BaseException as error:  # told to whoever waits for the result
                self._found.put((task, None, error))

    def _look(self) -> None:
        if self._stop.is_set():
            raise Stopped
