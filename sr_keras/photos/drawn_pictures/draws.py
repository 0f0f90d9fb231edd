"""What is chosen at random for drawn pictures: colours, words, and lines of them."""

import colorsys
import string
from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from PIL import Image

from sr_keras.photos.drawn_pictures.canvas import Box, Canvas, Colour, Font

_TEXT = (
    "a the of and to in is for was with on by at from as it or an be are not this that water light paper window river field "
    "engine signal measure between mountain question quality kilometre figure chapter village quick jumping wizard oxygen "
    "Zürich façade naïve Ångström señor Größe été øre Москва книга свет λόγος φως ΔE µm 5° ±2 €9.50 100% f(x)"
)
WORDS = _TEXT.split()

Random = np.random.Generator
Item = TypeVar("Item")


def one(random: Random, items: Sequence[Item]) -> Item:
    return items[int(random.integers(len(items)))]


def any_hue(random: Random, lightness: float, saturation: float) -> Colour:
    """Of any hue."""
    red, green, blue = (round(255 * level) for level in colorsys.hls_to_rgb(random.random(), lightness, saturation))
    return red, green, blue


def or_other(random: Random, colour: Colour) -> Colour:
    """The colour itself, or sometimes one of another hue that is about as dark or light."""
    return colour if random.random() < 0.7 else like(random, colour)


def like(random: Random, colour: Colour) -> Colour:
    """A strong colour, about as dark or light."""
    return any_hue(random, float(np.clip(sum(colour) / 765, 0.3, 0.75)), random.uniform(0.6, 1))


def ink_and_paper(random: Random) -> tuple[Colour, Colour]:
    """Dark on light or light on dark, in colours or nearly black and white."""
    if random.random() < 0.3:
        dark, light = any_hue(random, random.uniform(0.15, 0.35), 0.8), any_hue(random, random.uniform(0.75, 0.9), 0.8)
    else:
        dark, light = any_hue(random, random.uniform(0, 0.2), 0.3), any_hue(random, random.uniform(0.9, 1), 0.3)
    return (light, dark) if random.random() < 0.3 else (dark, light)


def gradient(random: Random, darkest: float, lightest: float) -> Image.Image:
    """From side to side or from top to bottom, 2x2 pixels."""
    ends = np.array([any_hue(random, random.uniform(darkest, lightest), 0.6) for _ in range(2)], np.uint8)
    return Image.fromarray(np.stack([ends, ends], axis=int(random.integers(2))))


def word(random: Random) -> str:
    """Of the list, or letters and digits that no network can guess."""
    if random.random() < 0.15:
        return "".join(one(random, string.ascii_letters + string.digits) for _ in range(random.integers(1, 9)))
    word = one(random, WORDS)
    if random.random() < 0.15:
        word = word.capitalize()
    return word + one(random, ",.;:!?") if random.random() < 0.12 else word


def line_of_words(canvas: Canvas, random: Random, width: float, font: Font) -> list[str]:
    """As many as a line of that width takes; at least one."""
    words = [word(random)]
    while True:
        words.append(word(random))
        if canvas.length(" ".join(words), font) > width:
            return words[:-1]


def set_words(canvas: Canvas, random: Random, box: Box, font: Font, colour: Colour, *, is_justified: bool = False) -> float:
    """Fills a box with lines of words, at least one; returns where the last one ends."""
    leading = random.uniform(1.15, 1.45) * font.size
    baseline = box.y + font.size
    while True:
        words = line_of_words(canvas, random, box.width, font)
        lengths = [canvas.length(word, font) for word in words]
        gap = (box.width - sum(lengths)) / max(1, len(words) - 1) if is_justified else canvas.length(" ", font)
        for word, x in zip(words, box.x + np.cumsum([0, *lengths[:-1]]) + gap * np.arange(len(words)), strict=True):
            canvas.text(x, baseline, word, font, colour)
        if baseline + leading > box.bottom:
            return baseline + 0.3 * font.size
        baseline += leading
