"""Makes the models that tests of the command line read (onnx 1.23.2, numpy 2.4.6).

small.onnx     image [n, 1, 4, 4] -> conv 3x3, relu, global mean, flatten, gemm -> scores [n, 3]
two.onnx       a [2, 3] and b [2, 3] -> "sum/out" = a + b and "sum out" = a - b, whose safe file names are one
pick.onnx      rows [k] -> picked [k, 2] = [2 row, 2 row + 1], with its constants in a file beside it
missing.onnx   an operator that is not supported
"""

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper as n


def value(name, shape, ty=T.FLOAT):
    return h.make_tensor_value_info(name, ty, shape)


def save(name, nodes, inputs, outputs, weights=()):
    tensors = [n.from_array(array, key) for key, array in weights]
    graph = h.make_graph(nodes, name, inputs, outputs, tensors)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], producer_name="make.py", ir_version=8)
    onnx.checker.check_model(model)
    return model


rng = np.random.default_rng(7)
kernel = rng.uniform(-1, 1, (2, 1, 3, 3)).astype(np.float32)
dense = rng.uniform(-1, 1, (2, 3)).astype(np.float32)
bias = np.array([0.5, -0.5, 0.25], np.float32)
nodes = [
    h.make_node("Conv", ["image", "kernel"], ["c"], "conv", pads=[1, 1, 1, 1]),
    h.make_node("Relu", ["c"], ["r"], "relu"),
    h.make_node("GlobalAveragePool", ["r"], ["p"], "pool"),
    h.make_node("Flatten", ["p"], ["f"], "flat"),
    h.make_node("Gemm", ["f", "dense", "bias"], ["scores"], "dense"),
]
onnx.save(
    save("small", nodes, [value("image", ["n", 1, 4, 4])], [value("scores", ["n", 3])],
         [("kernel", kernel), ("dense", dense), ("bias", bias)]),
    "small.onnx",
)

nodes = [h.make_node("Add", ["a", "b"], ["sum/out"]), h.make_node("Sub", ["a", "b"], ["sum out"])]
ends = [value("a", [2, 3]), value("b", [2, 3])], [value("sum/out", [2, 3]), value("sum out", [2, 3])]
onnx.save(save("two", nodes, *ends), "two.onnx")

nodes = [
    h.make_node("Unsqueeze", ["rows", "axes"], ["column"], "column"),
    h.make_node("Mul", ["column", "factors"], ["scaled"], "scale"),
    h.make_node("Add", ["scaled", "offsets"], ["picked"], "add"),
]
constants = [("factors", np.array([2, 2], np.float32)), ("offsets", np.array([0, 1], np.float32)), ("axes", np.array([1]))]
model = save("pick", nodes, [value("rows", ["k"])], [value("picked", ["k", 2])], constants)
onnx.save(model, "pick.onnx", save_as_external_data=True, location="pick.bin", size_threshold=0)

nodes = [h.make_node("Det", ["a"], ["b"], "det")]
onnx.save(save("missing", nodes, [value("a", [2, 2])], [value("b", [])]), "missing.onnx")
