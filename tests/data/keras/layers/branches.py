#!/usr/bin/env python3
"""Makes small Keras models with branches, and what Keras computes, as make.py beside it does for rows.

Usage: branches.py [NAME...]   (in this folder)

NAME.safetensors holds each input of NAME.keras as "input.INPUT", and the first output of each call of a layer as "LAYER.CALL".
NAME.txt is Keras' summary where SUMMARIES names it.
"""

import os
import sys

from make import FIRST, HERE, L, keras, np, save, weights

SUMMARIES = ["siamese", "several"]


def block(x, filters, name, strides=1):
    """A residual block; its shortcut is a convolution where the shape changes."""
    y = L.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False, name=name + "_conv1")(x)
    y = L.ReLU(name=name + "_relu1")(L.BatchNormalization(name=name + "_norm1")(y))
    y = L.Conv2D(filters, 3, padding="same", name=name + "_conv2")(y)
    y = L.BatchNormalization(name=name + "_norm2")(y)
    if strides != 1:
        x = L.Conv2D(filters, 1, strides=strides, name=name + "_short")(x)
        x = L.BatchNormalization(name=name + "_norm3")(x)
    return L.Activation("relu", name=name + "_out")(L.Add(name=name + "_sum")([y, x]))


def residual():
    """Two residual blocks behind a first convolution, and one more sum by an operator."""
    inputs = keras.Input((8, 8, 3), name="image")
    x = L.ZeroPadding2D(1, name="padded")(L.Rescaling(0.5, offset=0.25, name="scaled")(inputs))
    x = L.Conv2D(4, 3, name="stem")(x)
    x = block(x, 4, "one")
    y = block(x, 6, "two", strides=2)
    z = L.MaxPooling2D(2, name="smaller")(L.Conv2D(6, 1, name="beside")(x))
    y = L.GlobalAveragePooling2D(name="means")(y + z)
    return keras.Model(inputs, L.Dense(5, activation="softmax", name="classes")(y))


def inverted(x, name, strides, filters):
    """MobileNet's block, with squeeze and excitation."""
    channels = x.shape[-1] * 2
    y = L.Conv2D(channels, 1, use_bias=False, name=name + "_expand")(x)
    y = L.ReLU(6.0, name=name + "_relu6")(L.BatchNormalization(name=name + "_norm1")(y))
    if strides == 2:
        y = L.ZeroPadding2D(((0, 1), (0, 1)), name=name + "_pad")(y)
    padding = "valid" if strides == 2 else "same"
    y = L.DepthwiseConv2D(3, strides=strides, padding=padding, use_bias=False, name=name + "_depthwise")(y)
    y = L.Activation("hard_swish", name=name + "_swish")(L.BatchNormalization(name=name + "_norm2")(y))
    s = L.GlobalAveragePooling2D(keepdims=True, name=name + "_squeeze")(y)
    s = L.Conv2D(2, 1, activation="relu", name=name + "_fewer")(s)
    s = L.Conv2D(channels, 1, activation="hard_sigmoid", name=name + "_excite")(s)
    y = L.Multiply(name=name + "_scale")([y, s])
    y = L.BatchNormalization(name=name + "_norm3")(L.Conv2D(filters, 1, use_bias=False, name=name + "_project")(y))
    return L.Add(name=name + "_add")([x, y]) if strides == 1 and x.shape[-1] == filters else y


def mobile():
    inputs = keras.Input((8, 6, 3), name="image")
    x = L.Conv2D(4, 3, strides=2, padding="same", activation="relu6", name="stem")(inputs)
    x = inverted(inverted(x, "a", 1, 4), "b", 2, 6)
    s = L.GlobalAveragePooling2D(name="squeeze")(x)
    s = L.Dense(6, activation="sigmoid", name="dense")(L.Dense(3, activation="silu", name="few")(s))
    x = L.Multiply(name="excited")([L.Reshape((1, 1, 6), name="wide")(s), x])
    return keras.Model(inputs, L.Dense(3, name="scores")(L.Flatten(name="flat")(x)))


def unet():
    """Skips to both kinds of larger images, and an output at either size."""
    inputs = keras.Input((8, 8, 2), name="image")
    a = L.Conv2D(3, 3, padding="same", activation="relu", name="a")(inputs)
    b = L.Conv2D(4, 3, padding="same", activation="relu", name="b")(L.MaxPooling2D(2, name="half")(a))
    c = L.Conv2D(4, 3, padding="same", activation="elu", name="c")(L.AveragePooling2D(2, name="quarter")(b))
    up = L.Concatenate(name="skip_b")([L.UpSampling2D(name="up")(c), b])
    up = L.Conv2D(3, 3, padding="same", activation="tanh", name="d")(up)
    coarse = L.Conv2D(1, 1, activation="sigmoid", name="coarse")(up)
    up = L.Concatenate(axis=-1, name="skip_a")([a, L.Conv2DTranspose(3, 2, strides=2, name="larger")(up), inputs])
    fine = L.Conv2D(2, 1, activation="softmax", name="fine")(up)
    return keras.Model(inputs, [fine, coarse])


def siamese():
    """One encoder, a model itself, for two inputs; a layer that is called three times; a model with two outputs."""
    left, right = keras.Input((6, 6, 2), name="left"), keras.Input((6, 6, 2), name="right")
    encoder = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            L.Conv2D(3, 3, name="conv"),
            L.BatchNormalization(name="norm"),
            L.ReLU(name="relu"),
            L.Flatten(name="flat"),
        ],
        name="encoder",
    )
    a, b = encoder(left), encoder(right)
    x = keras.Input((48,), name="features")
    y = L.Dense(4, activation="tanh", name="hidden")(x)
    heads = keras.Model(x, [L.Dense(2, name="one")(y), L.Add(name="two")([y, L.Dense(4, name="again")(y)])], name="heads")
    one, two = heads(L.Subtract(name="far")([a, b]))
    shared = L.Dense(4, name="shared")
    z = L.Average(name="mean")([shared(two), shared(shared(two))])
    return keras.Model([left, right], [one, z])


def several():
    """Each way of merging, of tensors of other shapes too."""
    image, table = keras.Input((4, 5, 3), name="image"), keras.Input((3,), name="table")
    a = L.Conv2D(3, 3, padding="same", name="a")(image)
    b = L.Conv2D(3, 1, activation="relu", name="b")(image)
    low = L.Minimum(name="low")([a, b])
    high = L.Maximum(name="high")([a, b, image])
    mean = L.Average(name="mean")([low, high, image])
    product = L.Multiply(name="product")([mean, L.Dense(3, name="gate")(table)])
    rows = L.Concatenate(axis=1, name="rows")([product, a * b])
    rest = L.Subtract(name="rest")([high, low])
    both = L.Concatenate(axis=2, name="both")([rest, keras.ops.maximum(a, b)])
    all_ = L.Add(name="all")([a, b, image, low, high, mean, rest, product])
    return keras.Model([table, image], [rows, both, L.MaxPooling2D(2, name="most")(all_)])


def inside():
    """A functional model in a row of layers, itself with one inside."""
    x = keras.Input((5, 4, 2), name="x")
    deep = keras.Sequential([keras.Input((5, 4, 2)), L.Conv2D(2, 1, name="conv")], name="deep")
    base = keras.Model(x, L.Add(name="sum")([deep(x), L.SeparableConv2D(2, 3, padding="same", name="wide")(x)]), name="base")
    return keras.Sequential([keras.Input((5, 4, 2)), base, L.Flatten(name="flat"), L.Dense(3, name="scores")])


def first():
    """Channels first: merged along them, and flattened for a dense layer and for others."""
    inputs = keras.Input((2, 5, 4), name="image")
    a = L.Conv2D(3, 3, padding="same", data_format=FIRST, name="a")(inputs)
    b = L.BatchNormalization(axis=1, name="norm")(a)
    both = L.Concatenate(axis=1, name="both")([L.PReLU(shared_axes=[2, 3], name="prelu")(a), b, inputs])
    pooled = L.MaxPooling2D(2, data_format=FIRST, name="pooled")(both)
    flat = L.Flatten(data_format=FIRST, name="flat")(pooled)
    scores = L.Dense(3, name="scores")(flat)
    scaled = L.Multiply(name="scaled")([flat, L.Dense(32, name="gate")(flat)])
    return keras.Model(inputs, [scores, scaled])


MODELS = [residual, mobile, unet, siamese, several, inside, first]


def all_layers(model):
    for layer in model.layers:
        yield from all_layers(layer) if hasattr(layer, "layers") else [layer]


def calls(model):
    """The first output of each call of each layer."""
    if isinstance(model, keras.Sequential):
        x = model.inputs[0]
        for layer in model.layers:
            x = layer(x)
            yield f"{layer.name}.0", x
        return
    nodes = {node for depth in model._nodes_by_depth.values() for node in depth}
    for layer in model._operations:
        own = [node for node in layer._inbound_nodes if node in nodes]
        for number, node in enumerate(own):
            if not isinstance(layer, L.InputLayer):
                yield f"{layer.name}.{number}", node.output_tensors[0]


def make(build, seed):
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)
    random = np.random.default_rng(seed)
    model = build()
    model.name = build.__name__
    for layer in all_layers(model):
        weights(layer, random)
    inputs = [random.uniform(-1, 1, (2, *x.shape[1:])).astype("float32") for x in model.inputs]
    names = [x.name for x in model.inputs]
    found = dict(calls(model))
    values = keras.Model(model.inputs, list(found.values()))(inputs, training=False)
    tensors = {name: np.ascontiguousarray(np.asarray(value)) for name, value in zip(found, values)}
    tensors |= {f"input.{'input' if build is inside else name}": x for name, x in zip(names, inputs)}
    save(model, tensors)
    if build.__name__ in SUMMARIES:
        with open(os.path.join(HERE, build.__name__ + ".txt"), "w") as file:
            model.summary(line_length=76, print_fn=lambda text, **_: file.write(text.rstrip("\n") + "\n"))


if __name__ == "__main__":
    wanted = sys.argv[1:]
    for seed, build in enumerate(MODELS, 100):
        if not wanted or build.__name__ in wanted:
            make(build, seed)
