"""Draw the target maps of configs/beyond/objectives.yaml: a bright ring on black, as grey PNGs of the maps' sizes.

    python python/make_target_map.py
"""

import pathlib

import numpy as np
from PIL import Image

CONFIGS = pathlib.Path(__file__).resolve().parent.parent / "configs" / "beyond"


def ring(side):
    """A ring around the middle, its radius a third of the side and about an eighth of it thick, with soft edges."""
    y, x = (np.indices((side, side)) - (side - 1) / 2) / side
    off = (np.hypot(x, y) - 1 / 3) / 0.05
    return np.round(255 * np.exp(-(off**2))).astype(np.uint8)


for side in (28, 32):
    Image.fromarray(ring(side)).save(CONFIGS / f"ring_{side}.png", optimize=True)
