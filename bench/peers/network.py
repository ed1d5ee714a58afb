"""Takes a SavedModel apart for the peers that do not read one: its operations in order, and their constants.

    python network.py SAVED_MODEL BATCH OUT     # OUT/operations.json, OUT/constants.npz

Whatever does not depend on the images is computed here, shapes too (they are those of BATCH images); a product and a sum of
constants after a convolution, which is what batch normalisation amounts to, go into its weights. The last operation gives
logits: a softmax at the end is left out.
"""

import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

# Attributes that the interpreters look at.
ATTRIBUTES = ("strides", "padding", "ksize", "equation", "transpose_a", "transpose_b", "adj_x", "adj_y", "keep_dims")
CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
# Operations that are the same of any library's arrays: functions of the attributes and the inputs.
ARITHMETIC = {
    "Square": lambda a, x: x * x,
    "Neg": lambda a, x: -x,
    "SquaredDifference": lambda a, x, y: (x - y) ** 2,
    "BiasAdd": lambda a, x, y: x + y,
    "Add": lambda a, x, y: x + y,
    "AddV2": lambda a, x, y: x + y,
    "Sub": lambda a, x, y: x - y,
    "Mul": lambda a, x, y: x * y,
    "RealDiv": lambda a, x, y: x / y,
}


def frozen(path, batch):
    """The SavedModel as one flat GraphDef of a fixed batch, the names of its input and output, and the images' shape."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    model = tf.saved_model.load(path)
    signature = model.signatures["serving_default"]
    (argument, spec), = signature.structured_input_signature[1].items()
    output, = signature.structured_outputs
    shape = [batch, *spec.shape[1:]]
    function = tf.function(lambda x: signature(**{argument: x})[output]).get_concrete_function(tf.TensorSpec(shape, tf.float32))
    function = convert_variables_to_constants_v2(function, aggressive_inlining=True)
    return function.graph.as_graph_def(), function.inputs[0].name.split(":")[0], function.outputs[0].name.split(":")[0], shape


def smoothed(graph, beta):
    """The graph with softplus(beta x) / beta in place of each Relu."""
    import tensorflow as tf

    out = tf.compat.v1.GraphDef()
    out.versions.CopyFrom(graph.versions)
    with tf.Graph().as_default() as constants:
        tf.constant(beta, tf.float32, name="softplus/beta")
        tf.constant(1 / beta, tf.float32, name="softplus/inverse")
    out.node.extend(constants.as_graph_def().node)
    for node in graph.node:
        if node.op != "Relu":
            out.node.add().CopyFrom(node)
            continue
        for name, op, inputs in ((node.name + "/scaled", "Mul", [node.input[0], "softplus/beta"]),
                                 (node.name + "/softplus", "Softplus", [node.name + "/scaled"]),
                                 (node.name, "Mul", [node.name + "/softplus", "softplus/inverse"])):
            made = out.node.add(name=name, op=op)
            made.input.extend(inputs)
            made.attr["T"].CopyFrom(node.attr["T"])
    return out


def take_apart(path, batch):
    import tensorflow as tf

    graph, image, last, shape = frozen(path, batch)
    nodes = {node.name: node for node in graph.node}
    data = {name: [i.split(":")[0] for i in node.input if not i.startswith("^")] for name, node in nodes.items()}
    order, moving = [], {}

    def visit(name):
        """Whether the values of a node depend on those of the images; lists the nodes of which that is so."""
        if name not in moving:
            inputs = [visit(i) for i in data[name]]
            moving[name] = name == image or (any(inputs) and nodes[name].op not in ("Shape", "Size", "Rank"))
            if moving[name]:
                order.append(name)
        return moving[name]

    sys.setrecursionlimit(100_000)
    visit(last)
    fixed = sorted({i for name in order for i in data[name] if not moving[i]})
    with tf.Graph().as_default() as g:
        tf.import_graph_def(graph, name="")
        with tf.compat.v1.Session(graph=g) as session:
            values = session.run([g.get_tensor_by_name(f"{name}:0") for name in fixed], {f"{image}:0": np.zeros(shape, np.float32)})
    constants = dict(zip(fixed, values))
    alias, operations = {}, []
    for name in order:
        node, inputs = nodes[name], [alias.get(i, i) for i in data[name]]
        if node.op in ("Identity", "StopGradient"):  # Keras stops gradients at the mean of a variance, where they are zero
            alias[name] = inputs[0]
            continue
        if node.op == "Placeholder":
            continue
        attributes = {k: plain(node.attr[k]) for k in ATTRIBUTES if k in node.attr}
        operations.append({"name": name, "op": node.op, "inputs": inputs, "attributes": attributes})
    flops = sum(multiplications(g, nodes[o["name"]], data[o["name"]]) for o in operations) / batch
    last = alias.get(last, last)
    fold(operations, constants)
    final = next(o for o in operations if o["name"] == last)
    if final["op"] == "Softmax":
        last = final["inputs"][0]
        operations.remove(final)
    return {"input": image, "output": last, "flops": flops, "operations": operations}, constants


def multiplications(graph, node, inputs):
    """Floating-point operations of a convolution or product: two for each pair that is multiplied and added."""
    def shape(name):
        return graph.get_tensor_by_name(name + ":0").shape.as_list()

    if node.op in CONVOLUTIONS:
        kernel = shape(inputs[1])
        return 2 * np.prod(shape(node.name)) * np.prod(kernel[:2 if node.op == "DepthwiseConv2dNative" else 3])
    if node.op in ("MatMul", "BatchMatMulV2"):
        inner = shape(inputs[0])[-2 if node.attr["transpose_a"].b or node.attr["adj_x"].b else -1]
        return 2 * np.prod(shape(node.name)) * inner
    if node.op == "Einsum":
        letters = node.attr["equation"].s.decode().split("->")[0].replace(",", "")
        sizes = dict(zip(letters, shape(inputs[0]) + shape(inputs[1])))
        return 2 * np.prod(list(sizes.values()))
    return 0


def plain(attribute):
    kind = attribute.WhichOneof("value")
    if kind == "list":
        return list(attribute.list.i)
    value = getattr(attribute, kind)
    return value.decode() if isinstance(value, bytes) else value


def fold(operations, constants):
    """Puts products with and sums of constants after a convolution into its weights and a bias."""
    users = {}
    for o in operations:
        for i in o["inputs"]:
            users.setdefault(i, []).append(o)
    for conv in [o for o in operations if o["op"] in CONVOLUTIONS]:
        while len(users.get(conv["name"], [])) == 1:
            after, = users[conv["name"]]
            other = [i for i in after["inputs"] if i != conv["name"]]
            if after["op"] not in ("Mul", "AddV2", "Add", "BiasAdd") or any(i not in constants for i in other):
                break
            value = constants[other[0]].reshape(-1)
            if after["op"] == "Mul" and len(conv["inputs"]) == 2:
                weights = constants[conv["inputs"][1]]
                folded = weights * value.reshape(weights.shape[2:] if conv["op"] != "Conv2D" else (-1,))
                conv["inputs"][1] = keep(constants, conv["name"] + "/weights", folded)
            elif after["op"] != "Mul" and len(conv["inputs"]) == 2:
                conv["inputs"].append(keep(constants, conv["name"] + "/bias", value))
            else:
                break
            operations.remove(after)
            users[conv["name"]] = users.pop(after["name"], [])
            for o in users[conv["name"]]:
                o["inputs"] = [conv["name"] if i == after["name"] else i for i in o["inputs"]]


def keep(constants, name, value):
    constants[name] = value
    return name


def read(folder):
    """What take_apart gave, from disk."""
    with open(os.path.join(folder, "operations.json")) as f:
        network = json.load(f)
    with np.load(os.path.join(folder, "constants.npz")) as f:
        return network, {name: f[str(i)] for i, name in enumerate(network["constants"])}


def main():
    path, batch, out = sys.argv[1:]
    network, constants = take_apart(path, int(batch))
    used = sorted({i for o in network["operations"] for i in o["inputs"] if i in constants})
    network.update(constants=used, flops=float(network["flops"]))
    os.makedirs(out, exist_ok=True)
    np.savez(os.path.join(out, "constants.npz"), **{str(i): constants[name] for i, name in enumerate(used)})
    with open(os.path.join(out, "operations.json"), "w") as f:
        json.dump(network, f, indent=1)


if __name__ == "__main__":
    main()
