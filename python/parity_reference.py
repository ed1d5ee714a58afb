"""First- and second-order gradients of an exported classifier, by TensorFlow's Python, in float32 and in float64.

In float32 the frozen graph is taken as it is, and differentiated by tf.gradients, twice. In float64 the same graph is
evaluated node by node, with float64 in place of float32, and with other operations in place of those whose derivative
Python lacks or gets wrong; a graph that has such an operation is evaluated in this way in float32, too:

- a grouped convolution has no gradient on the CPU: one convolution per group, or a depthwise one;
- MaxPoolGradGrad at stride 1 with SAME padding may overwrite its input: the padding is written out;
- ResizeBilinearGrad is registered as not differentiable: a product with the resize's matrix along each axis;
- LRNGrad and SoftsignGrad have no gradient, and LRN and FusedBatchNormV3 take no float64: their formulas.

Custom gradients (that of swish, say) are left out on both ways: the operations they stand for are differentiated.
"""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import function_def_to_graph, op_def_library, op_def_registry
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

STEPS = 3  # of integrated gradients
# In grey levels: moves the maps by 1e-6 to 1e-5 of their size, as float32 does.
ROUNDING, DRAWS = 1e-4, 4
CALLS = ("PartitionedCall", "StatefulPartitionedCall")
CONDITIONS = ("If", "StatelessIf")


class Frozen:
    """The graph of a concrete function of one input, its variables turned into constants and its functions inlined.

    Its first output is probabilities or logits, or what else head names, as savedmodels does.
    """

    def __init__(self, function, head=None):
        function = convert_variables_to_constants_v2(function, lower_control_flow=False, aggressive_inlining=True)
        self.graph = function.graph.as_graph_def()
        for node in self.graph.node:
            node.attr.pop("_gradient_op_type", None)
        self.input, self.output = function.inputs[0].op.name, function.outputs[0].name
        producer = function.outputs[0].op
        while producer.type == "Identity":
            producer = producer.inputs[0].op
        self.head = head or ("softmax" if producer.type == "Softmax" else "logits")
        self.replaced = sorted(set(filter(None, map(not_differentiable, every_node(self.graph)))))

    def ops(self):
        return len(self.graph.node)

    def single(self, x):
        """Adds the network to the current graph, and returns the probabilities of float32 images."""
        return self.evaluated(x) if self.replaced else self.imported(x)

    def imported(self, x):
        """Takes the graph as it is."""
        (scores,) = tf.import_graph_def(self.graph, {self.input: x}, [self.output], name="")
        return self.finish(scores)

    def evaluated(self, x, instead={}):
        """Takes it node by node, in the images' dtype; instead gives further operations to replace, by type."""
        # The bodies that are taken apart there name other functions, which the current graph has to know.
        tf.import_graph_def(tf.compat.v1.GraphDef(library=self.graph.library, versions=self.graph.versions), name="")
        name, index = self.output.split(":")
        values = Evaluation(self.graph, self.graph.library, {self.input: [x]}, {**INSTEAD, **instead}, x.dtype)
        return self.finish(values.of(name)[int(index)])

    def finish(self, scores):
        if self.head == "logits":
            return tf.nn.softmax(scores)
        if self.head == "log_softmax":
            return tf.exp(scores)
        if self.head == "binary":
            return tf.concat([1 - scores, scores], 1)
        return scores  # softmax, sigmoid

    def probabilities(self, x):
        with tf.Graph().as_default(), tf.compat.v1.Session(config=plain()) as session:
            return session.run(self.imported(tf.constant(x)))


def every_node(graph):
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def not_differentiable(node):
    """Names what Python lacks the derivative of, first or second, or gets wrong."""
    if node.op in CALLS and node.attr["_XlaMustCompile"].b:
        return "grouped convolution"
    if node.op in ("ResizeBilinear", "LRN", "Softsign"):
        return node.op
    if node.op == "MaxPool" and one_by_one(node) and node.attr["padding"].s == b"SAME":
        return "max pooling at stride 1"
    return None


def one_by_one(node):
    return all(s == 1 for s in node.attr["strides"].list.i)


class Evaluation:
    """A graph evaluated in the current graph, dtype in place of float32; feeds are outputs of nodes, by their names."""

    def __init__(self, graph, library, feeds, instead, dtype):
        self.dtype = dtype
        self.nodes = {n.name: n for n in graph.node}
        self.functions = {f.signature.name: f for f in library.function}
        self.library, self.values, self.instead = library, dict(feeds), instead

    def of(self, name):
        # An explicit stack: networks are deeper than Python's.
        stack = [name]
        while stack:
            node = self.nodes[stack[-1]]
            missing = [p for p, _ in producers(node) if p not in self.values]
            if missing:
                stack += missing
                continue
            if stack.pop() not in self.values:
                self.values[node.name] = self.compute(node, [self.values[p][i] for p, i in producers(node)])
        return self.values[name]

    def compute(self, node, inputs):
        if node.op in CALLS:
            return self.call(self.functions[node.attr["f"].func.name], inputs)
        if node.op in CONDITIONS:
            branch = "then_branch" if decided(inputs[0]) else "else_branch"
            return self.call(self.functions[node.attr[branch].func.name], inputs[1:])
        if node.op == "Const":
            value = tf.constant(tf.make_ndarray(node.attr["value"].tensor))
            return [tf.cast(value, self.dtype) if value.dtype == tf.float32 else value]
        if node.op in self.instead:
            return [self.instead[node.op](node, *inputs)]
        return flat(op_def_library.apply_op(node.op, **arguments(node, inputs, self.dtype)))

    def call(self, function, inputs):
        body, tensor_names = function_def_to_graph.function_def_to_graph_def(function)
        feeds = {a.name: [v] for a, v in zip(function.signature.input_arg, inputs)}
        inner = Evaluation(body, self.library, feeds, self.instead, self.dtype)
        outputs = [tensor_names[function.ret[a.name]].split(":") for a in function.signature.output_arg]
        return [inner.of(name)[int(index)] for name, index in outputs]


def decided(condition):
    """The value of a condition that follows from constants and the shape of the images, which is what is fed here."""
    inputs = [op.outputs[0] for op in condition.graph.get_operations() if op.type == "Placeholder"]
    with tf.compat.v1.Session(graph=condition.graph, config=plain()) as session:
        return session.run(condition, {x: np.zeros(x.shape, x.dtype.as_numpy_dtype) for x in inputs})


def producers(node):
    for name in node.input:
        if not name.startswith("^"):
            producer, _, index = name.partition(":")
            yield producer, int(index or 0)


def flat(outputs):
    if isinstance(outputs, (tf.Tensor, tf.Operation)):
        return [outputs]
    return [t for part in outputs for t in flat(part)]


def arguments(node, inputs, dtype):
    """The arguments of a raw op: inputs by name, and the attributes that the inputs do not tell, dtype for float32."""
    definition = op_def_registry.get(node.op)
    values, told, inputs = {}, set(), list(inputs)
    for arg in definition.input_arg:
        told.update((arg.type_attr, arg.number_attr, arg.type_list_attr))
        count = None
        if arg.number_attr:
            count = node.attr[arg.number_attr].i
        elif arg.type_list_attr:
            count = len(node.attr[arg.type_list_attr].list.type)
        values[arg.name] = inputs.pop(0) if count is None else [inputs.pop(0) for _ in range(count)]
    for attr in definition.attr:
        if attr.name not in told and attr.name in node.attr:
            values[attr.name] = attribute(node.attr[attr.name], dtype)
    return values


def attribute(value, dtype):
    kind = value.WhichOneof("value")
    if kind == "type":
        return dtype if value.type == tf.float32.as_datatype_enum else tf.as_dtype(value.type)
    if kind == "list":
        lists = [field for _, field in value.list.ListFields()]
        return list(lists[0]) if lists else []
    return tf.TensorShape(value.shape) if kind == "shape" else getattr(value, kind)


def convolution(node, x, kernel):
    options = arguments(node, [x, kernel], x.dtype)
    groups = x.shape[-1] // kernel.shape[2]
    if groups == 1:
        return op_def_library.apply_op("Conv2D", **options)
    if kernel.shape[2] == 1 and kernel.shape[3] == groups:
        del options["input"], options["filter"], options["use_cudnn_on_gpu"]
        return tf.raw_ops.DepthwiseConv2dNative(input=x, filter=tf.transpose(kernel, [0, 1, 3, 2]), **options)
    parts = zip(tf.split(x, groups, -1), tf.split(kernel, groups, -1))
    return tf.concat([tf.raw_ops.Conv2D(**{**options, "input": a, "filter": b}) for a, b in parts], -1)


def max_pool(node, x):
    options = arguments(node, [x], x.dtype)
    if one_by_one(node) and options["padding"] == b"SAME":
        pads = [[(k - 1) // 2, k // 2] for k in options["ksize"]]
        options.update(input=tf.pad(x, pads, constant_values=-np.inf), padding="VALID")
    return tf.raw_ops.MaxPool(**options)


def resize(node, x, size):
    size = tf.get_static_value(size)

    def matrix(before, after):
        unit = np.eye(before, dtype="float32").reshape(1, before, before, 1)
        options = {k: node.attr[k].b for k in ("align_corners", "half_pixel_centers")}
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            # The first axis is resized, the second stays.
            resized = tf.raw_ops.ResizeBilinear(images=unit, size=[after, before], **options)
            return session.run(resized)[0, :, :, 0].astype(x.dtype.as_numpy_dtype)

    height, width = matrix(x.shape[1], size[0]), matrix(x.shape[2], size[1])
    return tf.einsum("bw,nawc->nabc", width, tf.einsum("ah,nhwc->nawc", height, x))


def batch_norm(node, x, scale, offset, mean, variance):
    return (x - mean) * (scale / tf.sqrt(variance + node.attr["epsilon"].f)) + offset


def response_normalisation(node, x):
    at = np.arange(x.shape[-1])
    near = (abs(at[:, None] - at) <= node.attr["depth_radius"].i).astype(x.dtype.as_numpy_dtype)
    shared = tf.einsum("nhwc,cd->nhwd", x * x, near)
    return x * (node.attr["bias"].f + node.attr["alpha"].f * shared) ** -node.attr["beta"].f


INSTEAD = {
    "Conv2D": convolution,
    "MaxPool": max_pool,
    "ResizeBilinear": resize,
    "FusedBatchNormV3": batch_norm,
    "LRN": response_normalisation,
    "Softsign": lambda node, x: x / (1 + tf.abs(x)),
}


class Saliency:
    """The saliency maps of a network, from images to probabilities, and the gradient of their distance."""

    def __init__(self, network, dtype, shape, explanation):
        self.x = tf.compat.v1.placeholder(dtype, shape)
        self.classes = tf.compat.v1.placeholder(tf.int64, shape[:1])
        self.clean = tf.compat.v1.placeholder(dtype, (shape[0], shape[1] * shape[2]))

        def probability(x):
            p = network(x)
            classes = tf.tile(self.classes, [x.shape[0] // shape[0]])
            return p, tf.reduce_sum(p * tf.one_hot(classes, p.shape[-1], dtype=p.dtype))

        if explanation == "integrated_gradients":
            points = tf.concat([self.x * (j / (STEPS - 1)) for j in range(STEPS)], 0)
            self.p, score = probability(points)
            self.p = self.p[-shape[0] :]
            (each,) = tf.gradients(score, points)
            self.gradient = tf.reduce_mean(tf.reshape(each, (STEPS, *shape)), 0)
        else:
            self.p, score = probability(self.x)
            (self.gradient,) = tf.gradients(score, self.x)
            if explanation == "input_x_gradient":
                self.gradient *= self.x
        absolute = tf.reshape(tf.reduce_sum(tf.abs(self.gradient), -1), self.clean.shape)
        self.map = absolute / tf.reduce_sum(absolute, 1, keepdims=True)
        self.distance = tf.norm(self.map - self.clean, axis=1)
        (self.second,) = tf.gradients(self.distance, self.x)
        self.session = tf.compat.v1.Session(config=plain())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.session.close()

    def gradients(self, x, moved, classes):
        """By their columns: probabilities and gradient at x and its map, the distance of moved's map and its gradient."""
        p, first, clean = self.session.run((self.p, self.gradient, self.map), {self.x: x, self.classes: classes})
        distance, second = self.second_order((self.distance, self.second), moved, classes, clean)
        return {"probabilities": p, "first": first, "map": clean, "distance": distance, "second": second}

    def second_order(self, wanted, moved, classes, clean):
        return self.session.run(wanted, {self.x: moved, self.classes: classes, self.clean: clean})

    def jump(self, x, moved, classes, rng):
        """The gradients, and 1 - cosine to those of images that are shaken as much as float32's rounding does it."""
        values, worst = self.gradients(x, moved, classes), np.zeros(len(x))
        for _ in range(DRAWS):
            shaken = (at + rng.normal(0, ROUNDING, at.shape) for at in (x, moved))
            others = self.gradients(*shaken, classes)
            for order in ("first", "second"):
                worst = np.maximum(worst, apart(others[order], values[order]))
        return values, worst

    def error(self, moved, classes, clean, rng, step=1e-6, directions=3):
        """How far the gradient of the distance is from central differences, relative to its norm."""
        gradient, worst = self.second_order(self.second, moved, classes, clean), np.zeros(len(moved))
        for _ in range(directions):
            u = rng.normal(size=moved.shape)
            above, below = (self.second_order(self.distance, moved + h * u, classes, clean) for h in (step, -step))
            # The gradient along u is normally distributed with standard deviation norm(gradient).
            worst = np.maximum(worst, abs((above - below) / (2 * step) - dot(gradient, u)) / norm(gradient))
        return worst


def dot(a, b):
    return (a * b).reshape(len(a), -1).sum(1)


def norm(a):
    return np.sqrt(dot(a, a))


def apart(a, b):
    return 1 - dot(a, b) / (norm(a) * norm(b))


def plain():
    """The graph as it was written: the optimiser takes longer than it saves."""
    config = tf.compat.v1.ConfigProto()
    config.graph_options.rewrite_options.disable_meta_optimizer = True
    return config
