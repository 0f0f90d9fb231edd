"""Kernels of convolutions that do the work of several layers: pure arithmetic, NumPy only.

A kernel is `[k, k, m, n]`, float32; a bias is `[n]`.
"""

import numpy as np


def affine(norm: tuple[np.ndarray, ...], epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Slope and offset of what a trained batch norm does to each channel."""
    gamma, beta, mean, variance = norm
    slope = gamma / np.sqrt(variance + np.float32(epsilon))
    return slope, beta - mean * slope


def with_norm(conv: tuple[np.ndarray, ...], norm: tuple[np.ndarray, ...], epsilon: float) -> tuple[np.ndarray, ...]:
    """Kernel and bias of a convolution that a batch norm follows."""
    slope, offset = affine(norm, epsilon)
    bias = conv[1] if len(conv) > 1 else np.float32(0)
    return conv[0] * slope, bias * slope + offset


def composed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The kernel of two convolutions in a row."""
    size, added = first.shape[0], second.shape[0]
    whole = np.zeros((size + added - 1, size + added - 1, first.shape[2], second.shape[3]), np.float32)
    for y, x in np.ndindex(added, added):
        whole[y : y + size, x : x + size] += first @ second[y, x]
    return whole


def before_shuffle(kernel: np.ndarray, block: int) -> np.ndarray:
    """The kernel that does before a shuffle what a convolution does behind it."""
    size, _, channels, filters = kernel.shape
    margin = size // 2
    sight = -(-margin // block)
    # Of each pixel of a block, the taps of the larger kernel that are those of its own.
    axis = np.zeros((2 * sight + 1, block, block, size), np.float32)
    for tap, inner, outer in np.ndindex(axis.shape[:3]):
        at = block * (tap - sight) + inner - outer + margin
        if 0 <= at < size:
            axis[tap, inner, outer, at] = 1
    whole = np.einsum("tyaj,uxbk,jkmn->tuyxmabn", axis, axis, kernel, optimize=True)
    return np.asarray(whole.reshape(2 * sight + 1, 2 * sight + 1, block**2 * channels, block**2 * filters))
