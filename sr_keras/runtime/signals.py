"""Turns Ctrl-C and SIGTERM into a flag that is polled between steps."""

import contextlib
import signal
import types
from collections.abc import Iterator


@contextlib.contextmanager
def as_interrupts(*signals: signal.Signals) -> Iterator[None]:
    """While it is entered, these signals raise KeyboardInterrupt with their number, so that nothing is left half-done."""

    def interrupt(number: int, _: types.FrameType | None) -> None:
        raise KeyboardInterrupt(number)

    before = {number: signal.signal(number, interrupt) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StopRequest:
    """While it is entered, the first Ctrl-C or SIGTERM is remembered; a second one ends the process at once.

    Attributes:
        received: the signal that came, or None.
    """

    received: signal.Signals | None = None

    def __enter__(self) -> "StopRequest":
        self._before = {number: signal.signal(number, self._remember) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __bool__(self) -> bool:
        return self.received is not None

    @property
    def exit_code(self) -> int:
        """The exit code that a shell expects of a process ended by that signal; 0 without one."""
        return 128 + self.received if self.received else 0

    def __str__(self) -> str:
        return self.received.name if self.received else "nothing"

    def _remember(self, number: int, _: types.FrameType | None) -> None:
        self.received = signal.Signals(number)
        signal.signal(number, signal.SIG_DFL)
