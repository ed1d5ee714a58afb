"""PyTorch: the network's operations with images in channels_last; torch.autograd.grad twice, or torch.compile over
torch.func.grad where that is faster."""

import sys
import time

import network
import numpy as np
import protocol
import torch
import torch.nn.functional as F


def convolution(x, weights, bias, attributes, groups):
    """Weights are [out, in, height, width] already; the layout stays channels_last."""
    strides, x = attributes["strides"][1:3], x.permute(0, 3, 1, 2)
    padding = 0
    if attributes["padding"] == "SAME":
        sides = [same(x.shape[2 + k], weights.shape[2 + k], strides[k]) for k in (0, 1)]
        if all(lo == hi for lo, hi in sides):
            padding = [lo for lo, _ in sides]
        else:
            x = F.pad(x, (*sides[1], *sides[0]))
    return F.conv2d(x, weights, bias, strides, padding, 1, groups).permute(0, 2, 3, 1)


def same(size, kernel, stride):
    """What TensorFlow's padding SAME adds at both ends of an axis."""
    most = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return most // 2, most - most // 2


def max_pool(a, x):
    return F.max_pool2d(x.permute(0, 3, 1, 2), a["ksize"][1:3], a["strides"][1:3]).permute(0, 2, 3, 1)


def batch_product(a, x, y):
    x = x.transpose(-1, -2) if a.get("adj_x") else x
    return x @ (y.transpose(-1, -2) if a.get("adj_y") else y)


OPERATIONS = network.ARITHMETIC | {
    "Conv2D": lambda a, x, w, bias=None: convolution(x, w, bias, a, 1),
    "DepthwiseConv2dNative": lambda a, x, w, bias=None: convolution(x, w, bias, a, x.shape[-1]),
    "MaxPool": max_pool,
    "MatMul": lambda a, x, y: (x.T if a.get("transpose_a") else x) @ (y.T if a.get("transpose_b") else y),
    "BatchMatMulV2": batch_product,
    "Einsum": lambda a, *x: torch.einsum(a["equation"], *x),
    "Mean": lambda a, x, axes: x.mean(axes, keepdim=bool(a.get("keep_dims"))),
    "Reshape": lambda a, x, shape: x.reshape(shape),
    "Transpose": lambda a, x, axes: x.permute(axes),
    "Relu": lambda a, x: F.relu(x),
    "Relu6": lambda a, x: F.relu6(x),
    "Softmax": lambda a, x: F.softmax(x, -1),
    "Erf": lambda a, x: torch.erf(x),
    "Erfc": lambda a, x: torch.erfc(x),
    "Sigmoid": lambda a, x: torch.sigmoid(x),
    "Tanh": lambda a, x: torch.tanh(x),
    "Rsqrt": lambda a, x: torch.rsqrt(x),
    "Sqrt": lambda a, x: torch.sqrt(x),
    "Minimum": lambda a, x, y: torch.minimum(x, y),
    "Maximum": lambda a, x, y: torch.maximum(x, y),
}


def tensors(graph, constants):
    """Constants as tensors, shapes and axes as lists, weights of convolutions as PyTorch wants them."""
    made = {}
    for name, value in constants.items():
        made[name] = np.ravel(value).tolist() if value.dtype.kind == "i" else torch.from_numpy(np.array(value))
    for o in graph["operations"]:
        if o["op"] in ("Conv2D", "DepthwiseConv2dNative"):
            w = torch.from_numpy(constants[o["inputs"][1]])
            w = w.permute(3, 2, 0, 1) if o["op"] == "Conv2D" else w.permute(2, 3, 0, 1).flatten(0, 1)[:, None]
            made[o["inputs"][1]] = w.contiguous(memory_format=torch.channels_last)
    return made


def logits(folder, beta):
    graph, constants = network.read(folder)
    constants, table = tensors(graph, constants), dict(OPERATIONS)
    if beta:
        table["Relu"] = lambda a, x: F.softplus(x, beta)

    def run(x):
        values = dict(constants)
        values[graph["input"]] = x
        for o in graph["operations"]:
            values[o["name"]] = table[o["op"]](o["attributes"], *(values[i] for i in o["inputs"]))
        return values[graph["output"]]

    return run


class Objective:
    def __init__(self, task):
        self.logits, self.points = logits(task.network, task.surrogate), task.points()

    def score(self, x, classes):
        return F.softmax(self.logits(x), 1).gather(1, classes[:, None]).sum()

    def explained(self, x, classes, gradient):
        if self.points is None:
            return gradient(x, classes)
        many = torch.cat([x * p for p in self.points])
        return gradient(many, classes.repeat(len(self.points))).reshape(len(self.points), *x.shape).mean(0)

    def mapped(self, x, classes, gradient):
        flat = self.explained(x, classes, gradient).abs().sum(-1).flatten(1)
        return flat / flat.sum(1, keepdim=True)

    def by_autograd(self, order):
        def gradient(x, classes):
            x = x if x.requires_grad else x.requires_grad_()
            return torch.autograd.grad(self.score(x, classes), x, create_graph=order == 2)[0]

        def maps(x, classes, reference):
            return [self.mapped(x, classes, gradient)]

        def gradients(x, classes, reference):
            x.requires_grad_()
            distance = (self.mapped(x, classes, gradient) - reference).norm(dim=1)
            return [distance.detach(), torch.autograd.grad(distance.sum(), x)[0]]

        return maps if order == 1 else gradients

    def by_functions(self, order):
        gradient = torch.func.grad(self.score)

        def maps(x, classes, reference):
            return [self.mapped(x, classes, gradient)]

        def distance(x, classes, reference):
            d = (self.mapped(x, classes, gradient) - reference).norm(dim=1)
            return d.sum(), d

        def gradients(x, classes, reference):
            rows, d = torch.func.grad(distance, has_aux=True)(x, classes, reference)
            return [d, rows]

        return maps if order == 1 else gradients


def build(task):
    torch.set_num_threads(task.threads)
    objective = Objective(task)

    def on_arrays(function):
        def compute(x, classes, reference):
            out = function(torch.from_numpy(x), torch.from_numpy(classes.astype(np.int64)), torch.from_numpy(reference))
            return [t.detach().numpy() for t in out]
        return compute

    plain = on_arrays(objective.by_autograd(task.order))
    if not task.compile:
        return plain
    try:
        compiled = on_arrays(torch.compile(objective.by_functions(task.order), dynamic=False))
        compiled(*task.part(0))
    except Exception as e:  # whatever the compiler does not take
        print(f"torch.compile: {type(e).__name__}: {str(e)[:300]}", file=sys.stderr)
        return plain
    times = {f: seconds(f, task) for f in (plain, compiled)}
    print(f"torch.compile takes {times[compiled] / times[plain]:.2f} of the time of autograd", file=sys.stderr)
    return min(times, key=times.get)


def seconds(function, task):
    function(*task.part(0))
    begin = time.perf_counter()
    function(*task.part(0))
    return time.perf_counter() - begin


if __name__ == "__main__":
    protocol.serve(build, {"torch": torch.__version__})
