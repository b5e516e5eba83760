"""Writes fold/opset_N.onnx: nodes whose inputs are initializers, and what ONNX Runtime makes of each ("want.OUTPUT").

Made with Python's onnx 1.23.2, onnxruntime 1.32.0 and numpy 2. The files are never run as models.
"""
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

ort.set_default_logger_severity(4)
i64, i32, f32, f64, f16, u8, i8 = np.int64, np.int32, np.float32, np.float64, np.float16, np.uint8, np.int8
rng = np.random.default_rng(5)
CASES = {}


def case(opset, op, *inputs, outputs=1, **attributes):
    CASES.setdefault(opset, []).append((op, inputs, outputs, attributes))


def ints(*numbers, ty=i64):
    return np.array(numbers, ty)


def floats(*shape, ty=f32):
    return rng.standard_normal(shape).astype(ty)



x = floats(2, 3, 4)
n = np.arange(24, dtype=i64).reshape(2, 3, 4)

# Arithmetic, with broadcasting and what integers and NaN do.
signed = (ints(7, -7, 7, -7, 0), ints(3, 3, -3, -3, 5))
for op in ("Add", "Sub", "Mul", "Div"):
    case(13, op, x, floats(3, 1))
    case(13, op, *signed)
    case(13, op, *(a.astype(i32) for a in signed))
    case(13, op, floats(4, ty=f64), floats(1, ty=f64))
    case(13, op, floats(16, ty=f16), floats(16, ty=f16))
    case(6, op, x, floats(3), axis=1, broadcast=1)
    case(6, op, x, floats(3, 4), broadcast=1)
    case(6, op, x, x[::-1].copy())
case(14, "Add", ints(200, 250, ty=u8), ints(100, 1, ty=u8))
case(14, "Mul", ints(100, -128, ty=i8), ints(2, -1, ty=i8))
case(13, "Mul", ints(2**62, -(2**63)), ints(4, -1))
case(13, "Div", floats(3), np.array([0, np.inf, np.nan], f32))
for ty in (i64, i32, i8, u8):
    a, b = (np.abs(s) if ty == u8 else s for s in signed)
    case(13, "Mod", a.astype(ty), b.astype(ty))
    case(13, "Mod", a.astype(ty), b.astype(ty), fmod=1)
case(13, "Mod", np.array([5.5, -5.5, 1e30], f32), np.array([2, 2, -3], f32), fmod=1)
odd = np.array([1, np.nan, -np.inf, 0.5, -0.5, 2.5, -2.5], f32)
for op in ("Min", "Max"):
    case(13, op, odd, np.array([0, 1, 2, np.nan, -1, 3, -3], f32))
    case(13, op, *signed, ints(1))
    case(13, op, x)
    case(8, op, floats(2, 1), floats(3), floats(1))
case(13, "Sum", x, floats(4), floats(1, 1, 1))
for op in ("Neg", "Abs"):
    case(13, op, odd)
    case(13, op, signed[0])
    case(13, op, ints(-128, 5, ty=i8))
for op in ("Floor", "Ceil"):
    case(13, op, odd)
case(13, "Sqrt", np.array([2, 9, 0, -1, 1e-40], f32))
for op in ("Equal", "Less", "Greater"):
    case(13, op, *signed)
    case(13, op, odd, np.array([1, np.nan, 0, 0.5, 0, 2, 3], f32))
for op in ("LessOrEqual", "GreaterOrEqual"):
    case(16, op, odd, np.array([1, np.nan, 0, 0.5, 0, 2, 3], f32))
truth = np.array([True, False]), np.array([[True], [False]])
case(13, "Equal", *truth)
for op in ("And", "Or", "Xor"):
    case(13, op, *truth)
case(13, "Not", truth[0])
case(13, "Where", truth[1], ints(1, 2), ints(10))
case(16, "Where", truth[0], floats(2, 2), floats(1))

# Casts.
for source in (np.array([-1.9, 1.9, 0, 255.5, -0.5], f32), ints(-1, 0, 1, 300, 2**40), ints(1, 0, 255, ty=u8), truth[0]):
    targets = [1, 6, 7, 9, 10, 11] + ([2, 3] if source.dtype == bool else [])
    for to in targets:
        if source.dtype != i64 or to not in (10,):
            case(13, "Cast", source, to=to)
case(13, "Cast", np.array([1 + 2**-11 + 2**-22, 65519, 65520, 1e-8], f32), to=10)
case(13, "Cast", ints(2**53 + 1, 2**24 + 1, -(2**63)), to=1)
case(15, "CastLike", ints(1, 0), np.array([], f32))

# Shapes.
for start, end in ((None, None), (1, None), (-1, None), (0, -1), (2, 1), (-9, 9)):
    bounds = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
    case(15, "Shape", floats(2, 0, 5, 1), **bounds)
case(13, "Shape", x)
case(13, "Size", x)
case(13, "Size", np.array(1, f32))
case(13, "Identity", x)
case(13, "Identity", np.array(3, i64))
for shape in ((-1,), (4, 6), (0, -1), (2, 0, 2, 2), (3, -1, 2)):
    case(13, "Reshape", x, ints(*shape))
case(14, "Reshape", floats(0, 3), ints(3, 0), allowzero=1)
case(14, "Reshape", floats(0, 3), ints(0, 1, 3))
case(13, "Reshape", np.array(7, i64), ints(1, 1))
case(13, "Squeeze", floats(1, 3, 1), ints(0))
case(13, "Squeeze", floats(1, 3, 1), ints(-1, 0))
case(13, "Squeeze", floats(1, 3, 1))
case(11, "Squeeze", floats(1, 3, 1), axes=[2])
case(13, "Unsqueeze", x, ints(0, -1))
case(13, "Unsqueeze", np.array(3, i64), ints(0))
case(11, "Unsqueeze", x, axes=[1, 3])
for axis in (0, 1, 2, 3, -1):
    case(13, "Flatten", x, axis=axis)
case(13, "Flatten", floats(0, 3))

# Moving.
case(13, "Transpose", x)
case(13, "Transpose", x, perm=[1, 0, 2])
case(13, "Transpose", n.astype(u8), perm=[2, 0, 1])
case(13, "Expand", floats(3, 1), ints(2, 1, 6))
case(13, "Expand", floats(3, 1), ints(3, 4))
case(13, "Expand", ints(5), ints(1))
case(13, "Expand", np.array(2, i64), ints(2, 3))
case(13, "Expand", floats(1, 2), ints(0, 1))
case(13, "Tile", x, ints(1, 2, 3))
case(13, "Tile", ints(1, 2), ints(0))
case(13, "Tile", truth[1], ints(2, 2))
for starts, ends, axes, steps in (
    ((0, 1), (1, 3), None, None),
    ((1,), (2**63 - 1,), (-1,), None),
    ((-1,), (-(2**63) + 1,), (1,), (-1,)),
    ((-3, 3), (9, 0), (1, 2), (2, -2)),
    ((9,), (0,), (2,), (-3,)),
    ((-9,), (-9,), (2,), (-1,)),
    ((3,), (1,), (2,), (1,)),
    ((1,), (4,), (2,), (2**40,)),
):
    more = [ints(*axes)] if axes else []
    case(13, "Slice", x, ints(*starts), ints(*ends), *more, *([ints(*steps)] if steps else []))
case(13, "Slice", x, ints(1, ty=i32), ints(2, ty=i32), ints(2, ty=i32))
case(13, "Slice", ints(1, 2, 3), ints(0), ints(2), None, ints(2))
case(9, "Slice", x, starts=[1, 0], ends=[2, -1], axes=[1, 2])
case(9, "Slice", x, starts=[1], ends=[100])
case(13, "Gather", x, ints(1, 0, -1), axis=1)
case(13, "Gather", x, np.array(2, i64), axis=-1)
case(13, "Gather", ints(4, 5, 6), np.array([[0, 2], [-3, 1]], i32))
case(13, "Gather", x, np.zeros((0, 2), i64))
case(13, "GatherElements", x, np.array([[[0, -1], [1, 0]]], i64), axis=2)
case(13, "GatherElements", x, np.ones((1, 3, 4), i64), axis=0)
case(13, "Concat", ints(1, 3), ints(224, 224), axis=0)
case(13, "Concat", x, floats(2, 1, 4), floats(2, 0, 4), axis=1)
case(13, "Concat", x, x, axis=-1)
case(13, "Split", x, ints(1, 2), outputs=2, axis=1)
case(13, "Split", x, outputs=2, axis=-1)
case(13, "Split", ints(1, 2, 3), ints(0, 3), outputs=2)
case(11, "Split", x, outputs=2, axis=1, split=[2, 1])
case(18, "Split", ints(1, 2, 3, 4, 5, 6, 7), outputs=3, num_outputs=3)
case(18, "Split", floats(2, 7), outputs=4, num_outputs=4, axis=1)

# Making.
for shape in ((2, 3), (0,), ()):
    case(13, "ConstantOfShape", np.array(shape, i64))
case(13, "ConstantOfShape", ints(2), value=helper.make_tensor("v", TensorProto.INT64, [1], [-7]))
case(13, "ConstantOfShape", ints(2), value=helper.make_tensor("v", TensorProto.BOOL, [1], [True]))
for numbers in ((0, 5, 2), (5, 0, -2), (3, 3, 1), (5, 0, 1), (-3, 4, 3)):
    case(13, "Range", *(np.array(number, i64) for number in numbers))
    case(13, "Range", *(np.array(number, i32) for number in numbers))
case(13, "Range", np.array(0.5, f32), np.array(3, f32), np.array(0.25, f32))
case(13, "Range", np.array(1, f64), np.array(-1, f64), np.array(-0.5, f64))
case(13, "NonZero", np.array([[1, 0], [np.nan, -0.0]], f32))
case(13, "NonZero", n % 3)
case(13, "NonZero", truth[0])
case(13, "Constant", value=numpy_helper.from_array(floats(2, 2)))
case(13, "Constant", value_float=0.5)
case(13, "Constant", value_floats=[0.5, -1.0])
case(13, "Constant", value_int=-3)
case(13, "Constant", value_ints=[3, 4])

# Reducing.
for op in ("ReduceSum", "ReduceProd", "ReduceMin", "ReduceMax"):
    small = (n % 4 + 1).astype(f32)
    case(11, op, small, axes=[1], keepdims=0)
    case(11, op, small, axes=[0, -1])
    case(11, op, (n % 3 + 1).astype(i32))
    case(18, op, small, ints(2), keepdims=0)
    case(18, op, n % 5 - 2, ints(0, 1))
    case(18, op, small, noop_with_empty_axes=1)
case(13, "ReduceSum", n, ints(-1))
case(18, "ReduceMax", np.array([[1, np.nan], [2, 3]], f32), ints(1))
case(18, "ReduceSum", floats(0, 2), ints(0))


def before_opset_7(op, a, b, axis=None, broadcast=0):
    """What ONNX Runtime does not compute: the second shape lies in the first from an axis on."""
    if broadcast:
        axis = a.ndim - b.ndim if axis is None else axis
        b = b.reshape(b.shape + (1,) * (a.ndim - axis - b.ndim))
    return [{"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}[op](a, b)]


def run(opset, op, inputs, outputs, attributes):
    """What ONNX Runtime makes of a node alone."""
    if opset < 7:
        return before_opset_7(op, *inputs, **attributes)
    names = ["" if array is None else f"i{i}" for i, array in enumerate(inputs)]
    node = helper.make_node(op, names, [f"o{i}" for i in range(outputs)], **attributes)
    given = [(name, array) for name, array in zip(names, inputs) if array is not None]
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
        for name, array in given
    ]
    results = [helper.make_empty_tensor_value_info(f"o{i}") for i in range(outputs)]
    graph = helper.make_graph([node], "one", infos, results)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    model = onnx.shape_inference.infer_shapes(model)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, dict(given))


def write(opset, cases, folder):
    nodes, tensors, outputs = [], [], []
    for number, (op, inputs, count, attributes) in enumerate(cases):
        try:
            results = run(opset, op, inputs, count, attributes)
        except Exception as error:  # noqa: BLE001
            raise SystemExit(f"{opset} {op} {attributes}: {error}") from error
        names = ["" if array is None else f"{number}.i{i}" for i, array in enumerate(inputs)]
        made = [f"{number}.o{i}" for i in range(count)]
        nodes.append(helper.make_node(op, names, made, **attributes))
        tensors += [numpy_helper.from_array(array, name) for name, array in zip(names, inputs) if array is not None]
        tensors += [numpy_helper.from_array(np.asarray(r), f"want.{name}") for r, name in zip(results, made)]
        outputs += [helper.make_empty_tensor_value_info(name) for name in made]
    graph = helper.make_graph(nodes, f"folded nodes of opset {opset}", [], outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    (folder / f"opset_{opset}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    folder = pathlib.Path(__file__).parent / "fold"
    folder.mkdir(exist_ok=True)
    for opset, cases in sorted(CASES.items()):
        write(opset, cases, folder)
    print(sum(map(len, CASES.values())), "nodes")
