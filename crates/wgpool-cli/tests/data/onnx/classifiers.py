"""Makes classifiers of pictures, and classifiers.json: what onnxruntime makes of pictures of the repository's
tests/data/pictures by them (onnx 1.23.2, onnxruntime 1.32.0, Pillow 13.0.0, numpy 2.4.6). Pictures are resized and cut as
torchvision's Resize and CenterCrop do it: by Pillow, with the longer side and the margins rounded as there.

first.onnx    image [n, 3, 7, 7] -> logits [n, 4]: convolution, relu, global mean, gemm
last.onnx     image [2, 6, 5, 3] -> logits [2, 4, 1, 1], of a batch that the file fixes
open.onnx     image [n, 1, h, w] -> logits [n, 4]
five.onnx     image [n, 5, 7, 7]: no picture
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T, helper as h, numpy_helper as n
from PIL import Image

HERE = pathlib.Path(__file__).parent
PICTURES = HERE / "../../../../../tests/data/pictures"
rng = np.random.default_rng(11)


def numbers(*shape):
    return (np.round(rng.uniform(-1, 1, shape) * 64) / 64).astype(np.float32)


def classifier(name, shape, channels, is_last=False):
    """Convolution, relu, global mean, and a product with the weights of four classes."""
    value = lambda key, shape: h.make_tensor_value_info(key, T.FLOAT, shape)
    weights = {"kernel": numbers(6, channels, 3, 3), "bias": numbers(6), "dense": numbers(6, 4), "shift": numbers(4)}
    nodes = [h.make_node("Transpose", ["image"], ["turned"], "turn", perm=[0, 3, 1, 2])] if is_last else []
    nodes += [
        h.make_node("Conv", ["turned" if is_last else "image", "kernel", "bias"], ["c"], "conv", pads=[1, 1, 1, 1], strides=[2, 2]),
        h.make_node("Relu", ["c"], ["r"], "relu"),
        h.make_node("GlobalAveragePool", ["r"], ["p"], "pool"),
        h.make_node("Flatten", ["p"], ["f"], "flat"),
        h.make_node("Gemm", ["f", "dense", "shift"], ["g" if is_last else "logits"], "dense"),
    ]
    if is_last:
        weights["to"] = np.array([0, 4, 1, 1])
        nodes.append(h.make_node("Reshape", ["g", "to"], ["logits"], "shape"))
    output = value("logits", [shape[0], 4, 1, 1] if is_last else [shape[0], 4])
    tensors = [n.from_array(array, key) for key, array in weights.items()]
    graph = h.make_graph(nodes, name, [value("image", shape)], [output], tensors)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], producer_name="classifiers.py", ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


def crop(image, shorter, height, width):
    w, h = image.size
    short, long = min(w, h), max(w, h)
    long = int(shorter * long / short)
    image = image.resize((shorter, long) if w <= h else (long, shorter), Image.BILINEAR)
    top, left = int(round((image.height - height) / 2.0)), int(round((image.width - width) / 2.0))
    return image.crop((left, top, left + width, top + height))


def stretch(how):
    return lambda image, height, width: image.resize((width, height), how)


IMAGENET = ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
CASES = [
    # model, picture, height and width, how, mean and std of numbers from 0 to 1, bgr, scale, flags
    ("first", "photo.jpg", (7, 7), lambda i, h, w: crop(i, 8, h, w), IMAGENET, False, 1, "--preset imagenet"),
    ("first", "photo.jpg", (7, 7), lambda i, h, w: crop(i, 11, h, w), IMAGENET, False, 1, "--preset imagenet --crop=11"),
    ("first", "rgb8many.png", (7, 7), lambda i, h, w: crop(i, 8, h, w), IMAGENET, False, 1, "--preset imagenet"),
    ("first", "rgb8many.png", (7, 7), stretch(Image.BILINEAR), IMAGENET, False, 1, "--preset imagenet --resize=bilinear"),
    ("first", "rgb8many.png", (7, 7), stretch(Image.NEAREST), ([103.939, 116.779, 123.68], [1, 1, 1]), True, 255,
     "--resize --channels bgr --scale 255 --mean 103.939,116.779,123.68"),
    ("last", "rgb8many.png", (6, 5), stretch(Image.NEAREST), ([0.5] * 3, [0.5] * 3), False, 1, "--resize --mean 0.5 --std 0.5"),
    ("last", "photo.jpg", (6, 5), lambda i, h, w: crop(i, 9, h, w), ([0.5] * 3, [0.5] * 3), True, 1,
     "--crop=9 --mean 0.5 --std 0.5 --channels bgr"),
    ("open", "rgb8many.png", (8, 16), stretch(Image.NEAREST), ([0.25], [0.5]), False, 1, "--size 8x16 --mean 0.25 --std 0.5"),
    ("open", "photo.jpg", (5, 7), stretch(Image.BILINEAR), ([0], [1]), False, 1, "--size 5x7 --resize=bilinear"),
]

classifier("first", ["n", 3, 7, 7], 3)
classifier("last", [2, 6, 5, 3], 3, is_last=True)
classifier("open", ["n", 1, "h", "w"], 1)
classifier("five", ["n", 5, 7, 7], 5)
cases = []
for model, picture, size, how, (mean, std), is_bgr, scale, flags in CASES:
    image = Image.open(PICTURES / picture).convert("L" if model == "open" else "RGB")
    pixels = np.asarray(how(image, *size), np.float32).reshape(*size, -1) / 255
    pixels = pixels[:, :, ::-1] if is_bgr else pixels
    pixels = ((pixels * scale - np.array(mean)) / np.array(std)).astype(np.float32)[None]
    pixels = np.repeat(pixels, 2, 0) if model == "last" else np.transpose(pixels, (0, 3, 1, 2))
    session = onnxruntime.InferenceSession(HERE / f"{model}.onnx", providers=["CPUExecutionProvider"])
    logits = session.run(None, {"image": np.ascontiguousarray(pixels)})[0][0].flatten()
    cases.append({"model": model, "picture": picture, "flags": flags, "logits": [round(float(v), 6) for v in logits]})
with open(HERE / "classifiers.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
