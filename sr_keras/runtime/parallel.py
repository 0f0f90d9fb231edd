"""Work on many things at once, whose results come in order."""

import collections
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_order(submit: Callable[[Task], Future[Result]], tasks: Iterable[Task], *, ahead: int) -> Iterator[Result]:
    """The results of the tasks, in their order; only `ahead` wait at a time, so that memory stays small."""
    waiting: collections.deque[Future[Result]] = collections.deque()
    for task in tasks:
        waiting.append(submit(task))
        if len(waiting) == ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
