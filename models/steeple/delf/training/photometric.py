"""What light, lens, sensor and passers-by do to a photo: random, and strong."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from steeple.delf.training.recipe import LightParameters

_LUMINANCE = np.array([[0.299, 0.587, 0.114]], np.float32)


def degraded(image: NDArray[np.uint8], parameters: LightParameters, rng: np.random.Generator) -> NDArray[np.uint8]:
    """uint8[H, W, 3]: the same scene in other light, through another camera.

    Args:
        image: uint8[H, W, 3], RGB.
        parameters: How often each change is made.
        rng: All randomness.
    """
    if rng.random() < parameters.occluded:
        image = _occluded(image, rng)
    values = _toned(image, rng) if rng.random() < parameters.toned else image.astype(np.float32) / np.float32(255)
    if rng.random() < parameters.night:
        values = _night(values, rng)
    values = _exposed(values, rng)
    if rng.random() < parameters.grey:
        values = np.asarray(cv2.transform(values, np.tile(_LUMINANCE, (3, 1))), np.float32)
    if rng.random() < parameters.blurred:
        values = _blurred(values, rng)
    if rng.random() < parameters.noisy:
        values = values + rng.standard_normal(values.shape, np.float32) * np.float32(rng.uniform(0.01, 0.06))
    changed = np.asarray(cv2.convertScaleAbs(np.maximum(values, 0.0), alpha=255.0), np.uint8)
    if rng.random() < parameters.compressed:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(15, 70))]
        changed = np.asarray(cv2.imdecode(cv2.imencode(".jpg", changed, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    return changed


def _exposed(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """What a camera makes of a picture too dark or too bright: brought back, though not all the way."""
    mean = max(_mean(values), 1e-3)
    wanted = min(max(mean, rng.uniform(0.12, 0.3)), rng.uniform(0.6, 0.75))
    return np.asarray(np.minimum(values * np.float32(wanted / mean), np.float32(1)), np.float32)


def _toned(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Another exposure, contrast, white balance and saturation, and a gradient of light across."""
    gamma = np.exp(rng.normal(0.0, 0.3)) * np.exp(rng.normal(0.0, 0.08, 3))
    curve = np.power((np.arange(256)[:, None] + 0.5) / 256, gamma[None]).astype(np.float32)
    values = np.asarray(cv2.LUT(image, curve[None]), np.float32)
    # Saturation, contrast and brightness are one affine map of the colours.
    saturation, contrast = rng.uniform(0.2, 1.6), np.exp(rng.normal(0.0, 0.25))
    colours = contrast * (saturation * np.eye(3) + (1 - saturation) / 3)
    shift = _mean(values) * (rng.uniform(0.6, 1.4) - contrast)
    values = np.asarray(
        cv2.transform(values, np.column_stack([colours, np.full(3, shift)]).astype(np.float32)), np.float32
    )
    if rng.random() < 0.4:
        height, width = values.shape[:2]
        direction = rng.normal(size=2)
        x, y = np.linspace(-1, 1, width), np.linspace(-1, 1, height)
        slope = (direction[0] * x[None] + direction[1] * y[:, None]) * rng.uniform(0.1, 0.5)
        values = values * (1.0 + slope[..., None]).astype(np.float32)
    return np.asarray(np.clip(values, np.float32(0), np.float32(1)), np.float32)


def _mean(values: NDArray[np.float32]) -> float:
    return sum(cv2.mean(values)[:3]) / 3


def _night(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A night shot of a day scene, as far as one picture tells: the sky goes black, lamps light the rest from below.

    Some have the tones of the whole turned about, as when windows shine out of dark walls.
    """
    height = values.shape[0]
    luminance = values.mean(axis=2, keepdims=True)
    if rng.random() < 0.3:
        values = values * 0.3 + (1.0 - luminance) * 0.7 * np.float32(rng.uniform(0.5, 1.0))
        luminance = values.mean(axis=2, keepdims=True)
    blueness = values[..., 2:] - values[..., :1]
    sky = 1.0 / (1.0 + np.exp(-12.0 * (luminance + 1.5 * blueness - 0.75)))
    ramp = np.linspace(1.0, 0.0, height, dtype=np.float32)[:, None, None]
    values = values * (1.0 - sky * np.minimum(1.0, 1.4 * ramp) * np.float32(rng.uniform(0.6, 1.0)))
    warmth = np.array([1.0, rng.uniform(0.65, 0.95), rng.uniform(0.3, 0.8)], np.float32)
    gain = np.float32(rng.uniform(0.25, 0.8))
    lit = np.power(np.clip(values, 0, 1), np.float32(rng.uniform(0.9, 1.8))) * warmth * gain
    return np.asarray(lit, np.float32)


def _blurred(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    if rng.random() < 0.6:
        return np.asarray(cv2.GaussianBlur(values, (0, 0), rng.uniform(0.5, 2.2)), np.float32)
    length = int(rng.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.uniform(0, np.pi)
    middle = (length - 1) / 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * middle
    start, end = [round(float(v)) for v in middle - reach], [round(float(v)) for v in middle + reach]
    cv2.line(kernel, (start[0], start[1]), (end[0], end[1]), 1.0)
    return np.asarray(cv2.filter2D(values, -1, kernel / max(1.0, float(kernel.sum()))), np.float32)


def _occluded(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """One to three patches covered, by flat colour or by another part of the same picture."""
    image = image.copy()
    height, width = image.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        h, w = (int(span * rng.uniform(0.1, 0.35)) for span in (height, width))
        y, x = int(rng.integers(0, height - h)), int(rng.integers(0, width - w))
        if rng.random() < 0.5:
            image[y : y + h, x : x + w] = rng.integers(0, 256, 3)
        else:
            v, u = int(rng.integers(0, height - h)), int(rng.integers(0, width - w))
            image[y : y + h, x : x + w] = image[v : v + h, u : u + w][:, ::-1].copy()
    return image
