"""Who watches: a session is as long as its events are read, and a moment more."""

import asyncio
import collections
import contextlib
from collections.abc import Iterator

from sr_keras.web.jobs import JobQueue

# Seconds in which a browser comes back that has lost its connection.
GRACE = 10.0


class Sessions:
    """Knows which sessions are open; what is not done of one that is left is cancelled. To be used within one event loop."""

    def __init__(self, queue: JobQueue, grace: float = GRACE) -> None:
        self._queue = queue
        self._grace = grace
        self._readers: collections.Counter[str] = collections.Counter()

    def is_open(self, session: str) -> bool:
        return session in self._readers

    @contextlib.contextmanager
    def reading(self, session: str) -> Iterator[None]:
        """To be entered while the events of a session are read."""
        self._readers[session] += 1
        try:
            yield
        finally:
            # Still counted for a while, so that one who comes back finds all as it was.
            asyncio.get_running_loop().call_later(self._grace, self._leave, session)

    def _leave(self, session: str) -> None:
        self._readers[session] -= 1
        if self._readers[session]:
            return
        del self._readers[session]
        for job in self._queue.of_session(session):
            if job.state in ("waiting", "computing"):
                self._queue.remove(job)
