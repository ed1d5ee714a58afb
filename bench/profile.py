"""Where the time of a gradient goes: the share of each kind of operation in the time of all, on one thread.

    python profile.py EXPORT IMAGES

EXPORT is what TestExport of savedmodels/saliency writes, IMAGES a folder of a task's images (peers/protocol.py). TensorFlow traces
the graph that upi builds, in a session of upi's options. Prints JSON: milliseconds of a call, images in it, and operation -> [share, count].
Times are those of the fastest of several calls, operation by operation.
"""

import collections
import json
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2, rewriter_config_pb2

CALLS = 12


def session(folder, program):
    graph = tf.compat.v1.GraphDef()
    with open(os.path.join(folder, "graph.pb"), "rb") as f:
        graph.ParseFromString(f.read())
    with tf.Graph().as_default() as g:
        tf.import_graph_def(graph, name="")
    config = config_pb2.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    config.graph_options.rewrite_options.remapping = rewriter_config_pb2.RewriterConfig.OFF
    s = tf.compat.v1.Session(graph=g, config=config)
    weights = {name + ":0": np.fromfile(os.path.join(folder, f"{number}.f32"), np.float32).reshape(shape)
               for name, (number, *shape) in program["weights"].items()}
    s.run([g.get_operation_by_name(name) for name in program["start"]], weights)
    return s


def feeds(images, program):
    shapes = {"pixels": program["shape"], "classes": (), "reference": (program["shape"][0] * program["shape"][1],)}
    found = {}
    for what, name in program["feeds"].items():
        kind = np.int32 if what == "classes" else np.float32
        file = os.path.join(images, what + (".i32" if what == "classes" else ".f32"))
        each = int(np.prod(shapes[what]))
        found[name + ":0"] = np.fromfile(file, kind, program["batch"] * each).reshape(program["batch"], *shapes[what])
    return found


def profile(folder, images):
    with open(os.path.join(folder, "program.json")) as f:
        program = json.load(f)
    s, fed = session(folder, program), feeds(images, program)
    options = config_pb2.RunOptions(trace_level=config_pb2.RunOptions.FULL_TRACE)
    times = collections.defaultdict(list)
    for call in range(CALLS + 2):
        traced = config_pb2.RunMetadata()
        s.run(program["fetches"], fed, options, traced)
        if call < 2:  # the first calls choose kernels and find memory
            continue
        for device in traced.step_stats.dev_stats:
            for node in device.node_stats:
                label = node.timeline_label
                kind = label.split(" = ")[1].split("(")[0] if " = " in label else node.node_name
                times[kind, node.node_name].append(node.op_end_rel_nanos - node.op_start_rel_nanos)
    total, count = collections.Counter(), collections.Counter()
    for (kind, _), spent in times.items():
        total[kind] += min(spent)
        count[kind] += 1
    whole = sum(total.values())
    return {"milliseconds": whole / 1e6, "images": program["batch"],
            "operations": {kind: [spent / whole, count[kind]] for kind, spent in total.most_common()}}


if __name__ == "__main__":
    print(json.dumps(profile(*sys.argv[1:])))
