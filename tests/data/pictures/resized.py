"""Writes photo.jpg, and resized.json: what keras.utils.load_img(target_size=...) and img_to_array make of it and of two
PNGs beside it. Made with Keras 3.15.1, Pillow 13.0.0 and NumPy 2.4.6."""

import json
import os
import pathlib

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from PIL import Image

HERE = pathlib.Path(__file__).parent


def photo():
    """Smooth colours with one edge, 24 pixels wide and 16 high."""
    y, x = np.mgrid[0:16, 0:24]
    red, green, blue = x * 10, y * 15, 255 - (x + y) * 6
    pixels = np.stack([red, green, blue], axis=-1)
    pixels[x + y > 28] = [250, 240, 20]
    Image.fromarray(pixels.astype(np.uint8)).save(HERE / "photo.jpg", quality=90)


photo()
cases = []
for name, channels in [("photo.jpg", 3), ("photo.jpg", 1), ("rgb8.png", 3), ("rgba8.png", 4), ("g8.png", 1)]:
    for size in [None, (5, 7), (16, 3), (9, 13)]:
        for how in ["nearest", "bilinear"]:
            if size is None and how == "bilinear":
                continue
            mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
            image = keras.utils.load_img(HERE / name, color_mode=mode, target_size=size, interpolation=how)
            pixels = keras.utils.img_to_array(image, data_format="channels_last").astype(int)
            cases.append({"file": name, "shape": pixels.shape, "how": how, "pixels": pixels.flatten().tolist()})
with open(HERE / "resized.json", "w") as file:
    json.dump(cases, file, separators=(",", ":"))
    file.write("\n")
