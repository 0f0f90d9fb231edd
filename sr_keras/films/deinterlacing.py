"""Makes whole frames of the two fields of each."""

import contextlib
from collections.abc import Iterator

import av
from av.video.frame import VideoFrame


def deinterlaced(pictures: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
    """One frame for each, its missing lines made of those beside them and of the frames around it (bwdif)."""
    graph, sink = None, None
    for picture in pictures:
        if graph is None:
            graph = av.filter.Graph()
            buffer = graph.add_buffer(
                width=picture.width, height=picture.height, format=picture.format, time_base=picture.time_base
            )
            bwdif, sink = graph.add("bwdif", "mode=send_frame"), graph.add("buffersink")
            graph.link_nodes(buffer, bwdif, sink).configure()
        graph.push(picture)
        yield from _pulled(graph)
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _pulled(graph: av.filter.Graph) -> Iterator[VideoFrame]:
    with contextlib.suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield graph.vpull()
