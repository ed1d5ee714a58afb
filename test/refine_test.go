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

def noise(eps, draw):
    return np.stack([reference_math.Stream(0, "smoothing", int(i), draw).sphere(size, eps / 2) for i in images.ids])

def rows(function, delta, eps, draws):
    total = 0
    for draw in range(draws):
        moved = images.pixels + (delta + noise(eps, draw)).reshape(images.pixels.shape).astype(np.float32)
        x = tf.constant(np.clip(moved, 0, 255) if clip and delta.any() else moved)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = functions[function](x)
        g = tape.gradient(value, x).numpy().astype(np.float64).reshape(count, size)
        total = total + np.where((moved == x.numpy()).reshape(count, size), g, 0) / draws
    return total

def direction(terms, unit):
    total = np.zeros((size, size))
    for weight, parts in terms:
        g = np.concatenate(parts)
        if unit:
            g /= np.linalg.norm(g, axis=1, keepdims=True)
        total += weight * g.T @ g / (g ** 2).sum()
    found = np.linalg.eigh(total)[1][:, -1]
    return found * np.sign(found[np.abs(found).argmax()])

def score(delta):
    moved = images.pixels + delta.reshape(images.pixels[0].shape).astype(np.float32)
    distances = functions["dissimilarity"](tf.constant(np.clip(moved, 0, 255) if clip else moved)).numpy()
    return (distances / np.linalg.norm(clean.numpy().reshape(count, -1), axis=1)).mean()

plain, turned, early, refined_signs = {}, 0, 0, set()
for attack in run.config["attacks"]:
    weights = {"dissimilarity": 1.0} | ({"cross_entropy": -attack["lambda"]} if attack["kind"] == "upi_plus" else {})
    for eps in map(float, attack["eps"]):
        ball = (lambda v: eps * np.sign(v)) if attack["norm"] == "linf" else (lambda v: eps * v)
        length = eps * np.sqrt(size) if attack["norm"] == "linf" else eps
        parts, delta, signs, trace, best = {f: [] for f in weights}, np.zeros(size), [], [], None
        for _ in range(attack.get("refine", 0) + 1):
            for f in weights:
                parts[f].append(rows(f, delta, length, attack["smoothing"]["draws"]))
            found = ball(direction([(weights[f], parts[f]) for f in weights], attack["rows"] == "unit"))
            signs.append(1 if score(found) >= score(-found) else -1)
            delta = signs[-1] * found
            trace.append(score(delta))
            best = delta if best is None or trace[-1] > max(trace[:-1]) else best
        written = run.perturbations[(run.perturbations.method == attack["name"]) & (run.perturbations.eps == eps)]
        assert len(written) == 1
        got = np.asarray(written.delta.iloc[0], np.float64)
        signed = got * written.sign.iloc[0]
        apart = np.abs(signed - best).max() if attack["norm"] == "l2" else (np.abs(signed - best) > 1e-3).mean() * eps
        print(f"{attack['name']} {eps}: signs {signs}, trace {np.round(trace, 4)}, off by {apart / eps:.2g} of eps")
        assert apart < 1e-3 * eps, attack["name"]
        if attack.get("refine", 0) > 0:
            assert written.sign.iloc[0] == 1 and np.abs(np.array(trace) - written.trace_value.iloc[0]).max() < 5e-4, (written.sign.iloc[0], written.trace_value.iloc[0])
            early += np.argmax(trace) < len(trace) - 1
        if attack.get("refine", 0) == 0:
            plain[eps] = got
        elif attack["norm"] == "l2":
            turned += abs(plain[eps] @ got) < 0.99 * eps * eps
        refined_signs.update(signs[:-1])
assert turned >= 3 and refined_signs == {1, -1} and early > 0, f"the cases test too little: {turned} turned, signs {refined_signs}, {early} best before the end"
`

// TestRefined: directions that are refined are those of rows at the perturbations on the way, each under the better sign, and the best
// of them is the result; of one function or of two, of one draw of the noise or of two, in either ball, with clipping.
func TestRefined(t *testing.T) {
	interpreter := pythontest.Interpreter(t)
	r := newRun(t, "base.yaml", "--set", "data.fit.limit=24", "--set", "data.test.limit=8", "--set", "evaluation.filter=all",
		"--set", "evaluation.clip=pixels", "--set", "attacks=["+
			"{name: plain, kind: upi_pca, eps: [300, 600], tolerance: 1e-5, max_passes: 100}, "+
			"{name: unit, kind: upi_pca, eps: [300, 600], rows: unit, refine: 3, tolerance: 1e-5, max_passes: 100}, "+
			"{name: corner, kind: upi_pca, norm: linf, eps: [12], refine: 1, smoothing: {draws: 2}, tolerance: 1e-5, max_passes: 100}, "+
			"{name: raw, kind: upi_pca, eps: [600], refine: 1, tolerance: 1e-5, max_passes: 100}, "+
			"{name: both, kind: upi_plus, eps: [300, 600], refine: 1, tolerance: 1e-5, max_passes: 100}]").done(t)
	cmd := exec.Command(interpreter, "-c", refinedAgain, r.dir())
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
