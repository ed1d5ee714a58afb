"""TensorFlow: the SavedModel frozen into one flat graph, its gradients taken twice by tf.gradients in a tf.function."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import network
import protocol
import tensorflow as tf


def normalised(explanation):
    """The saliency map of each image, in one row."""
    flat = tf.reshape(tf.reduce_sum(tf.abs(explanation), -1), (explanation.shape[0], -1))
    return flat / tf.reduce_sum(flat, 1, keepdims=True)


class Network:
    """A SavedModel as operations of the function that is being traced."""

    def __init__(self, path, images, beta=None):
        graph, self.input, self.output, _ = network.frozen(path, images)
        self.graph = network.smoothed(graph, beta) if beta else graph

    def probabilities(self, x):
        y, = tf.import_graph_def(self.graph, {self.input: x}, [self.output + ":0"], name="network")
        return y if self.graph_ends_in_softmax() else tf.nn.softmax(y)

    def graph_ends_in_softmax(self):
        nodes = {n.name: n for n in self.graph.node}
        node = nodes[self.output]
        while node.op == "Identity":
            node = nodes[node.input[0].split(":")[0]]
        return node.op == "Softmax"

    def gradient(self, x, classes):
        """The gradient of p_c, and the predictions."""
        p = self.probabilities(x)
        return tf.gradients(tf.reduce_sum(tf.gather(p, classes, batch_dims=1)), x)[0], tf.argmax(p, 1)

    def explanation(self, x, classes, points):
        if points is None:
            return self.gradient(x, classes)
        many = tf.concat([x * p for p in points], 0)
        gradients, predictions = self.gradient(many, tf.tile(classes, [len(points)]))
        mean = tf.reduce_mean(tf.reshape(gradients, (len(points), *x.shape)), 0)
        return mean, predictions[-x.shape[0]:]


def build(task):
    tf.config.threading.set_intra_op_parallelism_threads(task.threads)
    tf.config.threading.set_inter_op_parallelism_threads(task.threads)
    points = task.points()
    net = Network(task.saved_model, task.batch * len(points or [1]), task.surrogate)
    signature = [tf.TensorSpec((task.batch, *task.shape), tf.float32), tf.TensorSpec((task.batch,), tf.int32),
                 tf.TensorSpec((task.batch, task.shape[0] * task.shape[1]), tf.float32)]

    @tf.function(input_signature=signature)
    def maps(x, classes, reference):
        explanation, predictions = net.explanation(x, classes, points)
        return normalised(explanation), predictions

    @tf.function(input_signature=signature)
    def gradients(x, classes, reference):
        explanation, _ = net.explanation(x, classes, points)
        distance = tf.norm(normalised(explanation) - reference, axis=1)
        return distance, tf.gradients(tf.reduce_sum(distance), x)[0]

    function = maps if task.order == 1 else gradients

    def compute(*batch):
        first, second = function(*map(tf.constant, batch))
        return [first.numpy()] if task.order == 1 else [first.numpy(), second.numpy()]

    return compute


if __name__ == "__main__":
    protocol.serve(build, {"tensorflow": tf.__version__})
