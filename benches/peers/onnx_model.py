"""A workload as an ONNX model."""

import onnx
from onnx import TensorProto, helper, numpy_helper


def model(case, inputs, constant):
    """With the weights as constants, and with `constant` the input too, which then stays on the device."""
    known = [numpy_helper.from_array(a, n) for n, a in zip("xwb", inputs) if constant or n != "x"]
    x = [] if constant else [value("x", inputs[0].shape)]
    return document(nodes(case, "x", "y"), x, [value("y", case["output"])], known, 17, 8)


def repeated(case, inputs, copies):
    """The workload `copies` times, of which the sum of an element of each plane comes out: one output, whatever the copies.

    The input is `x` + `zero`, where `x` is a constant, so that it is on the device and nothing is computed ahead.
    """
    every = [helper.make_node("Add", ["x", "zero"], ["input"], "add")]
    windows = dict(kernel_shape=[1, 1], strides=case["output"][2:], pads=[0] * 4)
    sum_of = "e0"
    for copy in range(copies):
        every += nodes(case, "input", f"y{copy}")
        every.append(helper.make_node("MaxPool", [f"y{copy}"], [f"e{copy}"], f"first{copy}", **windows))
        if copy:
            every.append(helper.make_node("Add", [sum_of, f"e{copy}"], [f"s{copy}"], f"sum{copy}"))
            sum_of = f"s{copy}"
    return fed_zero(every, [value(sum_of, [*case["output"][:2], 1, 1])], inputs)


def once(case, inputs):
    """The workload as in [`repeated`], with all of its output."""
    add = helper.make_node("Add", ["x", "zero"], ["input"], "add")
    same = helper.make_node("Identity", ["y0"], ["y"], "same")
    return fed_zero([add, *nodes(case, "input", "y0"), same], [value("y", case["output"])], inputs)


def fed_zero(every, outputs, inputs):
    known = [numpy_helper.from_array(a, n) for n, a in zip("xwb", inputs)]
    return document(every, [value("zero", [1])], outputs, known, 13, 7)


def nodes(case, tensor, end):
    found = []

    def add(op, extra=(), **attributes):
        nonlocal tensor
        name = f"{end}.{op}"
        found.append(helper.make_node(op, [tensor, *extra], [name], name, **attributes))
        tensor = name

    def windows(of):
        pads = of["pad_before"] + of["pad_after"]
        return dict(kernel_shape=of["window"], strides=of["stride"], dilations=of["dilation"], pads=pads)

    if conv := case["conv"]:
        add("Conv", ("w", "b"), group=conv["groups"], **windows(conv))
        if conv["activation"] == "relu":
            add("Relu")
    if pool := case["pool"]:
        if pool["kind"] == "max":
            add("MaxPool", **windows(pool))
        elif pool["window"] == case["inputs"][0][2:] and case["output"][2:] == [1, 1] and not case["conv"]:
            add("GlobalAveragePool")
        else:
            with_padding = int(pool["kind"] == "average_with_padding")
            # ONNX Runtime's WebGPU provider lacks the average of opset 19, which brought dilation.
            if max(pool["dilation"]) > 1:
                raise NotImplementedError("average pooling with dilation")
            undilated = {key: of for key, of in windows(pool).items() if key != "dilations"}
            add("AveragePool", count_include_pad=with_padding, **undilated)
    found[-1].output[0] = end
    return found


def value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def document(every, x, y, known, opset, version):
    graph = helper.make_graph(every, "case", x, y, known)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=version)
    return onnx.shape_inference.infer_shapes(made).SerializeToString()
