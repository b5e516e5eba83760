"""Loads models that wgpool wrote into Keras and compares what they predict.

Usage: written.py FOLDER, which has a folder for each model: config.json, weights, inputs and outputs as safetensors. Any backend of
Keras will do (KERAS_BACKEND). Fails if one model cannot be loaded, or predicts other numbers than those that are stored.
"""

import os
import pathlib
import sys

os.environ.setdefault("KERAS_BACKEND", "jax")

import keras
import numpy as np
from safetensors.numpy import load_file

# How many times the largest number rounding may differ in 32 bits: sums of a few hundred products.
SHARE = 2e-5


def variables(model, path=""):
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from variables(layer, f"{path}{layer.name}/")
        else:
            for variable in layer.weights:
                yield f"{path}{layer.name}/{variable.name}", variable


def check(folder):
    config = (folder / "config.json").read_text()
    # What `Rescaling` with a number for each channel goes by.
    first = "channels_first" in config
    keras.config.set_image_data_format("channels_first" if first else "channels_last")
    model = keras.models.model_from_json(config)
    weights = load_file(folder / "weights.safetensors")
    for name, variable in variables(model):
        # How often a normalisation was adapted, and what dropout draws from.
        if name.endswith(("/count", "seed_generator_state")):
            continue
        variable.assign(weights.pop(name))
    assert not weights, f"Keras has no {list(weights)}"
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.Normalization):
            layer.finalize_state()
    given, wanted = load_file(folder / "inputs.safetensors"), load_file(folder / "outputs.safetensors")
    inputs = [given[str(at)] for at in range(len(given))]
    outputs = model(inputs[0] if len(inputs) == 1 else inputs, training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    assert len(outputs) == len(wanted), f"{len(outputs)} outputs, not {len(wanted)}"
    for at, output in enumerate(outputs):
        output, expected = np.asarray(output), wanted[str(at)]
        assert output.shape == expected.shape, f"{output.shape}, not {expected.shape}"
        error = np.abs(output - expected).max()
        assert error <= SHARE * np.abs(expected).max() + 1e-7, f"output {at} differs by {error}"


def main():
    failed, folders = 0, sorted(pathlib.Path(sys.argv[1]).iterdir())
    for folder in folders:
        try:
            check(folder)
        except Exception as error:
            failed += 1
            print(f"{folder.name}: {type(error).__name__}: {str(error)[:400]}")
    print(f"{len(folders) - failed} models compute the same, {failed} do not")
    sys.exit(failed > 0)


main()
