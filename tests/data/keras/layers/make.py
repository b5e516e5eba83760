#!/usr/bin/env python3
"""Makes small Keras models of layers that the trained models beside this folder do not have, and what Keras computes.

Usage: make.py [NAME...]   (in this folder)

Writes NAME.keras and NAME.safetensors for each model: a tensor "input" and the output of every layer by its name, F32, for
a batch of two. Weights and inputs are drawn with fixed seeds. Made with Keras 3.15.1 on JAX 0.10.2 and NumPy
2.4.6, on a CPU.
"""

import os
import sys
import zipfile

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
import jax

jax.config.update("jax_default_matmul_precision", "highest")
import keras
import numpy as np
from keras import layers as L

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from sample_activations import write

FIRST = "channels_first"


def functional(shape, *layers):
    inputs = keras.Input(shape, name="input_of_rows")
    x = inputs
    for layer in layers:
        x = layer(x)
    return keras.Model(inputs, x)


def sequential(shape, *layers):
    return keras.Sequential([keras.Input(shape), *layers])


def image():
    """Bytes of images, prepared and changed as a training pipeline would."""
    return functional(
        (12, 10, 3),
        L.Rescaling(1 / 127.5, offset=-1, name="scaled"),
        L.RandomFlip(name="flip"),
        L.RandomRotation(0.1, name="rotation"),
        L.RandomZoom(0.1, name="zoom"),
        L.RandomTranslation(0.1, 0.1, name="translation"),
        L.RandomContrast(0.1, name="contrast"),
        L.RandomBrightness(0.1, name="brightness"),
        L.RandomCrop(12, 10, name="random_crop"),
        L.Resizing(9, 13, name="resized"),
        L.CenterCrop(8, 8, name="middle"),
        L.ZeroPadding2D(((1, 2), (0, 1)), name="padded"),
        L.Conv2D(4, 3, strides=2, name="conv"),
        L.ReLU(max_value=0.75, name="clipped"),
        L.GaussianNoise(0.1, name="noise"),
        L.SpatialDropout2D(0.1, name="spatial"),
        L.UpSampling2D((2, 3), interpolation="bilinear", name="wider"),
        L.Cropping2D(((1, 0), (2, 1)), name="cropped"),
        L.SeparableConv2D(5, 3, padding="same", depth_multiplier=2, activation="relu", name="separable"),
        L.AdaptiveAveragePooling2D((4, 3), name="means"),
        L.AdaptiveMaxPooling2D(2, name="maxima"),
        L.Flatten(name="flat"),
        L.Dense(4, activation="softmax", name="classes"),
    )


def transposed():
    return sequential(
        (4, 5, 2),
        L.Conv2DTranspose(3, 3, strides=2, padding="same", name="same"),
        L.BatchNormalization(name="norm"),
        L.ELU(0.5, name="elu"),
        L.Conv2DTranspose(4, (2, 4), strides=(3, 2), name="valid", activation="tanh"),
        L.Conv2DTranspose(2, 3, strides=1, dilation_rate=2, padding="same", name="dilated"),
        L.LeakyReLU(0.2, name="leaky"),
        L.Conv2DTranspose(2, (4, 3), strides=(2, 3), padding="same", output_padding=1, use_bias=False, name="longer"),
        L.Cropping2D((10, (7, 21)), name="cropped"),
        L.Resizing(5, 4, interpolation="bilinear", crop_to_aspect_ratio=True, name="small"),
        L.Permute((3, 1, 2), name="turned"),
        L.Reshape((4, -1), name="reshaped"),
        L.Permute((2, 1), name="swapped"),
        L.GlobalAveragePooling1D(name="means"),
        L.RepeatVector(3, name="repeated"),
        L.Softmax(axis=-1, name="softmax"),
    )


def line():
    return functional(
        (14, 3),
        L.Normalization(name="adapted"),
        L.ZeroPadding1D((2, 1), name="padded"),
        L.SeparableConv1D(4, 3, strides=2, name="separable"),
        L.GaussianDropout(0.1, name="gaussian"),
        L.Conv1DTranspose(3, 4, strides=3, padding="same", name="longer"),
        L.AlphaDropout(0.1, name="alpha"),
        L.Cropping1D((2, 3), name="cropped"),
        L.UpSampling1D(2, name="doubled"),
        L.Conv1D(4, 3, padding="causal", name="causal"),
        L.ReLU(max_value=0.5, negative_slope=0.125, name="bent"),
        L.AdaptiveMaxPooling1D(4, name="maxima"),
        L.AdaptiveAveragePooling1D(3, name="means"),
        L.Flatten(name="flat"),
        L.Dense(3, name="scores"),
    )


def volume():
    return sequential(
        (3, 4, 5, 2),
        L.Rescaling([0.5, 0.25], offset=[0.0, 0.5], name="each"),
        L.Conv3D(3, 2, padding="same", name="conv"),
        L.ZeroPadding3D(((0, 1), (1, 0), (2, 2)), name="padded"),
        L.Conv3DTranspose(2, 2, strides=(1, 2, 2), name="larger"),
        L.Cropping3D(((1, 0), (2, 2), (3, 4)), name="cropped"),
        L.UpSampling3D((1, 2, 1), name="taller"),
        L.AdaptiveAveragePooling3D((2, 3, 3), name="means"),
        L.AdaptiveMaxPooling3D(2, name="maxima"),
        L.Flatten(name="flat"),
        L.Dense(2, activation="sigmoid", name="scores"),
    )


def channels_first():
    return sequential(
        (3, 8, 6),
        L.Normalization(axis=1, mean=[0.25, 0.5, 0.125], variance=[0.5, 0.25, 2.0], name="given"),
        L.ZeroPadding2D((1, 2), data_format=FIRST, name="padded"),
        L.Conv2D(4, 3, data_format=FIRST, name="conv"),
        L.BatchNormalization(axis=1, name="norm"),
        L.ReLU(negative_slope=0.25, name="leaky"),
        L.Conv2DTranspose(3, 3, strides=2, padding="same", data_format=FIRST, name="larger"),
        L.Resizing(8, 32, interpolation="nearest", data_format=FIRST, name="nearest"),
        L.SeparableConv2D(4, 3, data_format=FIRST, name="separable"),
        L.CenterCrop(5, 40, data_format=FIRST, name="aspect"),
        L.Cropping2D(((1, 1), (20, 8)), data_format=FIRST, name="cropped"),
        L.AdaptiveMaxPooling2D((2, 3), data_format=FIRST, name="maxima"),
        L.UpSampling2D(2, data_format=FIRST, name="doubled"),
        L.Flatten(data_format=FIRST, name="flat"),
        L.BatchNormalization(name="flat_norm"),
        L.Dense(3, name="scores"),
    )


def flat_first():
    """The flattened tensor is the output."""
    return sequential((3, 2, 4), L.Flatten(data_format=FIRST, name="flat"), L.Activation("sigmoid", name="sigmoid"))


def table():
    return functional(
        (5,),
        L.Normalization(axis=None, mean=0.5, variance=4.0, name="all"),
        L.Normalization(invert=True, name="inverse"),
        L.Dense(4, activation="gelu", name="hidden"),
        L.Normalization(axis=None, name="number"),
        L.Dense(2, name="scores"),
    )


def sloped():
    return functional(
        (6, 5, 2),
        L.Conv2D(3, 3, use_bias=False, name="conv"),
        L.PReLU(shared_axes=[1, 2], name="channels"),
        L.PReLU(name="each"),
        L.Conv2DTranspose(4, 2, name="larger"),
        L.PReLU(shared_axes=[1, 2], name="few"),
        L.Flatten(name="flat"),
        L.Dense(5, name="hidden"),
        L.PReLU(name="units"),
        L.Dense(2, name="scores"),
    )


MODELS = [image, transposed, line, volume, channels_first, flat_first, table, sloped]


def weights(layer, random):
    """Numbers near 1 for what divides, smaller ones for kernels."""
    for weight in layer.weights:
        name, shape = weight.name, tuple(weight.shape)
        if name == "count" or "seed" in name:
            continue
        if "variance" in name or name == "gamma":
            value = random.uniform(0.5, 2, shape)
        elif "kernel" in name:
            value = random.standard_normal(shape) / np.sqrt(max(np.prod(shape[:-1]), 1))
        else:
            value = random.standard_normal(shape) / 4
        weight.assign(value.astype("float32"))
    if isinstance(layer, L.Normalization):
        layer.finalize_state()


def make(build, seed):
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    model = build()
    model.name = build.__name__
    for layer in model.layers:
        weights(layer, random)
    scale = 255 if build is image else 1
    x = (scale * random.uniform(0 if build is image else -1, 1, (2, *model.input_shape[1:]))).astype("float32")
    tensors = {"input": x}
    y = x
    for layer in model.layers:
        if not isinstance(layer, L.InputLayer):
            y = layer(y, training=False) if "training" in layer._call_signature.parameters else layer(y)
            tensors[layer.name] = np.ascontiguousarray(np.asarray(y))
    whole = np.asarray(model(x, training=False))
    assert np.allclose(whole, tensors[model.layers[-1].name], atol=1e-6), build.__name__
    save(model, tensors)


def save(model, tensors):
    path = os.path.join(HERE, model.name)
    model.save(path + ".keras")
    # Stored smaller, and the same from run to run.
    with zipfile.ZipFile(path + ".keras") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["metadata.json"] = b'{"keras_version": "%s"}' % keras.__version__.encode()
    with zipfile.ZipFile(path + ".keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(parts):
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), parts[name], zipfile.ZIP_DEFLATED)
    write(path + ".safetensors", [(name, "F32", list(t.shape), t.tobytes()) for name, t in sorted(tensors.items())])
    print(model.name, {name: tensor.shape for name, tensor in tensors.items()})


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for seed, build in enumerate(MODELS):
        if not wanted or build.__name__ in wanted:
            make(build, seed)
