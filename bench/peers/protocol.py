"""What every contestant of the gradient rows has in common: the task, the images, and the lines it answers.

A contestant is started with the file of a task (JSON):

    saved_model   folder of the SavedModel
    network       folder of what network.py has made of it
    explanation   {kind, settings}; the score is the probability of the class
    order         1 for maps, 2 for the gradient of the distance of two maps
    surrogate     beta, or null: softplus(beta x) / beta in place of ReLU
    images        folder of pixels.f32, classes.i32 and reference.f32: count images of the given shape
    batch         images for one call
    threads       threads for the arithmetic
    out           file for what "check" computes

It answers "round N" by the seconds that N images took, and "check" by writing to out, for each image, its map, or its distance
and then its gradient. Building, tracing, compiling and a first batch come before the first line of its output and are not timed.
"""

import json
import os
import sys
import time

import numpy as np


class Task:
    def __init__(self, path):
        with open(path) as f:
            self.__dict__.update(json.load(f))
        self.pixels = self.read("pixels.f32", np.float32, *self.shape)
        self.reference = self.read("reference.f32", np.float32, self.shape[0] * self.shape[1])
        self.classes = self.read("classes.i32", np.int32)

    def read(self, name, kind, *shape):
        return np.fromfile(os.path.join(self.images, name), kind, self.count * int(np.prod(shape))).reshape(self.count, *shape)

    def points(self):
        """The shares of the way from black to the image at which gradients are taken; None for the image alone."""
        if self.explanation["kind"] == "simple_gradient":
            return None
        steps = self.explanation["settings"].get("steps", 10)
        return [j / (steps - 1) for j in range(steps)]

    def part(self, lo):
        """A batch from image lo on, going round."""
        at = np.arange(lo, lo + self.batch) % self.count
        return self.pixels[at], self.classes[at], self.reference[at]


def serve(build, versions):
    """build(task) returns a function of a batch's pixels, classes and reference maps that gives arrays with a row per image."""
    task = Task(sys.argv[1])
    begin = time.perf_counter()
    compute = build(task)
    compute(*task.part(0))
    say(ready=time.perf_counter() - begin, batch=task.batch, versions=versions)
    for line in sys.stdin:
        if line.strip() == "check":
            rows = [np.concatenate([np.reshape(a, (task.batch, -1)) for a in compute(*task.part(lo))], axis=1)
                    for lo in range(0, task.count, task.batch)]
            np.concatenate(rows)[: task.count].astype(np.float32).tofile(task.out)
            say(written=task.out)
            continue
        images = int(line.split()[1])
        begin = time.perf_counter()
        for lo in range(0, images, task.batch):
            compute(*task.part(lo))
        say(images=-(-images // task.batch) * task.batch, seconds=time.perf_counter() - begin)


def say(**what):
    print(json.dumps(what), flush=True)
