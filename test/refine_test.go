package test

import (
	"os/exec"
	"testing"

	"upi/internal/pythontest"
)

// refinedAgain finds the directions of attacks on rows anew, with TensorFlow's gradients and numpy's decompositions, round by round from
// nothing, and holds the perturbations against what the run has written.
const refinedAgain = `
import pathlib, sys
sys.path.insert(0, "python")
import numpy as np, tensorflow as tf
import check_run, reference_math
run = check_run.Checker(pathlib.Path(sys.argv[1]), pathlib.Path("."), 0)
images, network = run.images("mnist_cnn", "fit"), run.network("mnist_cnn")
network.understand(images.pixels)
clip = run.config["evaluation"]["clip"] == "pixels"
count, size = len(images.ids), images.pixels[0].size

def margin(x):
    return network.margin(network.differentiated(network.input_of(x))[1], tf.constant(images.labels))[0]

def saliency_map(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        score = margin(x)
    mass = tf.reduce_sum(tf.abs(tape.gradient(score, x)), 3)
    return mass / tf.reduce_sum(mass, [1, 2], keepdims=True)

clean = saliency_map(tf.constant(images.pixels))
functions = {
    "dissimilarity": lambda x: tf.norm(tf.reshape(saliency_map(x) - clean, [count, -1]), axis=1),
    "cross_entropy": lambda x: tf.nn.softplus(-margin(x)),
}
noise = {eps: np.stack([reference_math.Stream(0, "smoothing", int(i), 0).sphere(size, eps / 2) for i in images.ids]) for eps in (300.0, 600.0)}

def rows(function, delta, eps):
    moved = images.pixels + (delta + noise[eps]).reshape(images.pixels.shape).astype(np.float32)
    clips = clip and delta.any()
    x = tf.constant(np.clip(moved, 0, 255) if clips else moved)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value = functions[function](x)
    g = tape.gradient(value, x).numpy().astype(np.float64).reshape(count, size)
    return np.where((moved == x.numpy()).reshape(count, size), g, 0)

def direction(terms, unit):
    total = np.zeros((size, size))
    for weight, parts in terms:
        g = np.concatenate(parts)
        if unit:
            g /= np.linalg.norm(g, axis=1, keepdims=True)
        total += weight * g.T @ g / (g ** 2).sum()
    return np.linalg.eigh(total)[1][:, -1]

plain = {}
for attack in run.config["attacks"]:
    weights = {"dissimilarity": 1.0} | ({"cross_entropy": -attack["lambda"]} if attack["kind"] == "upi_plus" else {})
    for eps in map(float, attack["eps"]):
        parts, delta = {f: [] for f in weights}, np.zeros(size)
        for _ in range(attack.get("refine", 0) + 1):
            for f in weights:
                parts[f].append(rows(f, delta, eps))
            found = direction([(weights[f], parts[f]) for f in weights], attack["rows"] == "unit")
            turned = -1 if (found @ delta if delta.any() else found[np.abs(found).argmax()]) < 0 else 1
            delta = turned * eps * found
        written = run.perturbations[(run.perturbations.method == attack["name"]) & (run.perturbations.eps == eps)]
        delta_written = np.asarray(written.delta.iloc[0], np.float64)
        cosine = delta @ delta_written / np.linalg.norm(delta) / np.linalg.norm(delta_written)
        print(f"{attack['name']} {eps}: 1 - cosine = {1 - cosine:.2g}, norm {np.linalg.norm(delta_written):.6f}")
        assert len(written) == 1 and cosine > 1 - 1e-5 and abs(np.linalg.norm(delta_written) / eps - 1) < 1e-5, attack["name"]
        if attack.get("refine", 0) == 0:
            plain[eps] = delta_written
        assert attack.get("refine", 0) == 0 or abs(plain[eps] @ delta_written) < 0.99 * eps * eps, "too little is refined for the test to test"
`

// TestRefined: directions that are refined are those of rows at the perturbations on the way, of one function or of two, with clipping.
func TestRefined(t *testing.T) {
	interpreter := pythontest.Interpreter(t)
	r := newRun(t, "base.yaml", "--set", "data.fit.limit=24", "--set", "data.test.limit=8", "--set", "evaluation.filter=all",
		"--set", "evaluation.clip=pixels", "--set", "attacks=["+
			"{name: plain, kind: upi_pca, eps: [300, 600], tolerance: 1e-5, max_passes: 100}, "+
			"{name: unit, kind: upi_pca, eps: [300, 600], rows: unit, refine: 3, tolerance: 1e-5, max_passes: 100}, "+
			"{name: both, kind: upi_plus, eps: [300, 600], refine: 1, tolerance: 1e-5, max_passes: 100}]").done(t)
	cmd := exec.Command(interpreter, "-c", refinedAgain, r.dir())
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
