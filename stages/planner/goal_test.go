package planner

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"upi/attack"
	"upi/metric"
	"upi/pipeline"
	"upi/pipeline/config"
)

// goalConfig is a configuration of small splits around a goal, attacks and metrics.
func goalConfig(goal, attacks, metrics string) string {
	return `
data: {fit: {path: data/mnist/fit-*.parquet, limit: 20}, test: {path: data/mnist/test-*.parquet, limit: 20}}
models: [{name: m, path: savedmodels/mnist_mlp}]
explanations: [{name: sg, kind: simple_gradient}]
` + goal + `
attacks: [` + attacks + `]
evaluation: {metrics: [` + metrics + `]}
`
}

// writePNG writes a picture of a size whose pixels are all of a colour.
func writePNG(t *testing.T, height, width int, c color.Color) string {
	t.Helper()
	picture := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i := range height * width {
		picture.Set(i%width, i/width, c)
	}
	path := filepath.Join(t.TempDir(), "target.png")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := png.Encode(f, picture); err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	corner = "goal: {region: {top: 0, left: 0, height: 7, width: 7}}"
	toBox  = "{name: a, kind: upi_grad, eps: [255], objective: {kind: region}}"
	toMap  = "{name: a, kind: per_image, eps: [255], objective: {kind: target}}"
	chance = "{name: r, kind: random, eps: [255]}"
)

// TestGoalsAreThere: an objective or a metric without the goal that it looks at, an objective whose success no metric tells, and a goal that
// does not fit the maps are errors that name the key.
func TestGoalsAreThere(t *testing.T) {
	t.Chdir("../..")
	notPNG := filepath.Join(t.TempDir(), "target.png")
	if err := os.WriteFile(notPNG, []byte("GIF89a"), 0o666); err != nil {
		t.Fatal(err)
	}
	target := func(path string) string { return fmt.Sprintf("goal: {target: %q}", path) }
	grey := color.Gray{Y: 99}
	for _, c := range []struct{ goal, attacks, metrics, want string }{
		{"", toBox, "region_share", "goal.region: missing: want a box {top, left, height, width} in pixels of the map, for the objective of attacks[0] (a)"},
		{corner, toMap, "target_distance", "goal.target: missing: want the path of a grey PNG"},
		{"", chance, "normalized_l2, region_gain", "goal.region: missing: want a box {top, left, height, width} in pixels of the map, for evaluation.metrics[1] (region_gain)"},
		{corner, chance, "target_distance", "goal.target: missing"},
		{corner, toBox, "normalized_l2", "want region_share among them, which tells how far attacks[0] (a) comes"},
		{"", "{name: a, kind: upi_grad, eps: [255], objective: {kind: top_k}}", "normalized_l2", "want top_k among them"},
		{"", "{name: a, kind: upi_grad, eps: [255], objective: {kind: mass_center}}", "normalized_l2", "want center_shift among them"},
		{"goal: {region: {top: 22, left: 0, height: 7, width: 7}}", toBox, "region_share",
			"model m: goal.region: the box of 7 x 7 pixels whose first is row 22, column 0 (counted from 0) does not lie in a map of 28 x 28"},
		{"goal: {region: {top: 0, left: 0, height: 0, width: 7}}", toBox, "region_share", "goal.region = {0 0 0 7}: want {top, left, height, width}"},
		{"goal: {region: {top: 0, left: 0, height: 7, depth: 7}}", toBox, "region_share", "goal.region.depth: unknown key"},
		{target("absent.png"), toMap, "target_distance", "model m: goal.target: read target map: open absent.png"},
		{target(notPNG), toMap, "target_distance", "it is no PNG"},
		{target(writePNG(t, 32, 28, grey)), toMap, "target_distance",
			"it is 32 pixels high and 28 wide, the maps of this network 28 and 28: draw it in their size, or give the network a goal of its own"},
		{target(writePNG(t, 28, 28, color.Black)), toMap, "target_distance", "black throughout"},
		{target(writePNG(t, 28, 28, color.NRGBA{9, 9, 8, 255})), toMap, "target_distance", "row 0, column 0 is not grey"},
		{target(writePNG(t, 28, 28, color.NRGBA{9, 9, 9, 254})), toMap, "target_distance", "or transparent"},
		{"", "{name: a, kind: upi_pca, eps: [255], objective: {kind: region}}", "normalized_l2",
			"attacks[0].objective (a) = \"{kind: region}\": a principal direction has no sign"},
		{corner, toBox, "region_share", ""},
		{target(writePNG(t, 28, 28, grey)), toMap, "target_distance", ""},
		{corner, chance, "normalized_l2", ""},
	} {
		_, err := planOf(t, goalConfig(c.goal, c.attacks, c.metrics))
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %s, %s:\n got %v\nwant %q", c.goal, c.attacks, c.metrics, err, c.want)
		}
	}
}

// TestGoalsOfModels: a model whose maps are of another size has a goal of its own; models of the same images share one.
func TestGoalsOfModels(t *testing.T) {
	t.Chdir("../..")
	const text = `
data: {fit: {path: data/mnist/fit-*.parquet, limit: 20}, test: {path: data/mnist/test-*.parquet, limit: 20}}
explanations: [{name: sg, kind: simple_gradient}]
attacks: [` + toBox + `]
evaluation: {metrics: [region_share]}
goal: {region: {top: 21, left: 0, height: 7, width: 7}}
models: [{name: m, path: savedmodels/mnist_mlp}, {name: n, path: savedmodels/`
	const own = "goal: {region: {top: 24, left: 0, height: 8, width: 8}}"
	const cifar = "cifar10_vgg, data: {fit: {path: data/cifar10/fit-*.parquet, limit: 20}, test: {path: data/cifar10/test-*.parquet, limit: 20}}, "
	plan, err := planOf(t, text+cifar+own+"}]")
	if err != nil {
		t.Fatal(err)
	}
	var boxes []string
	for _, task := range plan.Tasks() {
		var spec struct {
			Goal struct{ Region *metric.Region }
		}
		if err := json.Unmarshal(task.Spec, &spec); err != nil {
			t.Fatal(err)
		}
		if spec.Goal.Region != nil {
			boxes = append(boxes, fmt.Sprintf("%s %s %d", task.Stage, strings.Split(task.Label, ".")[0], spec.Goal.Region.Top))
		}
	}
	want := []string{"fit m 21", "examples m 21", "evaluate m 21", "fit n 24", "examples n 24", "evaluate n 24"}
	if !slices.Equal(boxes, want) {
		t.Errorf("%q, want %q", boxes, want)
	}
	for tail, want := range map[string]string{
		"mnist_cnn, goal: {region: {top: 0, left: 0, height: 7, width: 7}}}]": "models[1].goal (n): want the goal of the model m, which has the same images",
		"mnist_cnn, goal: {}}]":                             "models[1].goal",
		cifar + "goal: {target: " + "configs/absent.png}}]": "models[1].goal.region (n): missing",
	} {
		if _, err := planOf(t, text+tail); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", tail, err, want)
		}
	}
}

// keysByTask are the keys of a plan's tasks by stage and label.
func keysByTask(t *testing.T, text string) map[string]pipeline.Key {
	t.Helper()
	plan, err := planOf(t, text)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]pipeline.Key{}
	for _, task := range plan.Tasks() {
		keys[task.Stage+" "+task.Label] = task.Key
	}
	return keys
}

// TestGoalsInKeys: a goal is part of the keys of what looks at it, and of nothing else; of a target its content counts, not its path.
func TestGoalsInKeys(t *testing.T) {
	t.Chdir("../..")
	attacks := toBox + ", " + chance
	base := keysByTask(t, goalConfig(corner, attacks, "region_share"))
	other := keysByTask(t, goalConfig("goal: {region: {top: 1, left: 0, height: 7, width: 7}}", attacks, "region_share"))
	for name, key := range base {
		same := strings.HasPrefix(name, "images ") || strings.HasPrefix(name, "reference ") || strings.HasPrefix(name, "diagnosis ") ||
			name == "fit m.sg.r.l2-255.s0" || strings.HasPrefix(name, "fit m.sg.r.") || strings.HasPrefix(name, "sign m.sg.r.") ||
			strings.HasPrefix(name, "examples m.sg.r.")
		if (other[name] == key) != same {
			t.Errorf("%s has the same key with another box: %v, want %v", name, other[name] == key, same)
		}
	}
	plain, with := keysByTask(t, goalConfig("", chance, "normalized_l2")), keysByTask(t, goalConfig(corner, chance, "normalized_l2"))
	for name, key := range plain {
		if with[name] != key {
			t.Errorf("%s has another key where there is a goal that nothing looks at", name)
		}
	}
	paths := []string{writePNG(t, 28, 28, color.Gray{Y: 9}), writePNG(t, 28, 28, color.Gray{Y: 9}), writePNG(t, 28, 28, color.Gray{Y: 8})}
	var fits []pipeline.Key
	for _, path := range paths {
		keys := keysByTask(t, goalConfig("goal: {target: "+path+"}", toMap, "target_distance"))
		fits = append(fits, keys["per_image m.sg.a.l2-255.s0/test-00000-of-00002"])
	}
	if fits[0] == "" || fits[0] != fits[1] || fits[0] == fits[2] {
		t.Errorf("keys of two equal targets and another one: %v", fits)
	}
}

// TestPlainSpecs: a configuration that says nothing of goals and aims has the specs, and so the keys and artefacts, that it had before there
// were any: none of them has a key of theirs.
func TestPlainSpecs(t *testing.T) {
	t.Chdir("../..")
	plan, err := planOf(t, goalConfig("", `{name: a, kind: upi_grad, eps: [255], surrogate: {beta: 30}}, {name: b, kind: per_image, eps: [255]},
  {name: c, kind: upi_pca, eps: [255]}, {name: d, kind: upi_plus, eps: [255]}, {name: e, kind: sgd_uap, eps: [255]}, {name: f, kind: none}`, "normalized_l2"))
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range plan.Tasks() {
		// The keep of examples is a number, of them.
		for _, key := range []string{`"goal":`, `"objective":`, `"keep":{`, `"answers":`, `"region":`, `"kept_l2"`} {
			if strings.Contains(string(task.Spec), key) {
				t.Errorf("%s %s has the key %s: %s", task.Stage, task.Label, key, task.Spec)
			}
		}
	}
}

// TestSetKeep: the weight of keep can be set, and so swept, where the file says nothing of it.
func TestSetKeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keep.yaml")
	if err := os.WriteFile(path, []byte(goalConfig("", "{name: a, kind: upi_grad, eps: [255]}", "normalized_l2")), 0o666); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, []string{"attacks.a.keep.weight=0.01"}, Kinds())
	if err != nil {
		t.Fatal(err)
	}
	want := attack.Objective{Of: attack.Dissimilarity, Keep: attack.Keep{Weight: 0.01}}
	if got := c.Attacks[0].Settings.(attack.Attack).Needs().Ascent.Objective; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestSignsOfAims: the sign of an ascent that knows + from - is not chosen afterwards.
func TestSignsOfAims(t *testing.T) {
	t.Chdir("../..")
	for attacks, signed := range map[string]bool{
		toBox: false, "{name: a, kind: upi_grad, eps: [255], keep: {weight: 1}}": false, "{name: a, kind: upi_grad, eps: [255]}": true,
		"{name: a, kind: sgd_uap, eps: [255]}": true,
	} {
		for _, rule := range []string{"fit", "test", "plus"} {
			plan, err := planOf(t, strings.Replace(goalConfig(corner, attacks, "normalized_l2, region_share"), "evaluation: {", "evaluation: {sign: "+rule+", ", 1))
			if err != nil {
				t.Fatal(err)
			}
			found := slices.ContainsFunc(plan.Tasks(), func(task *pipeline.Task) bool { return task.Stage == "sign" })
			if want := signed && rule != "plus"; found != want {
				t.Errorf("%s, sign: %s: a task decides the sign: %v, want %v", attacks, rule, found, want)
			}
		}
	}
}

// TestAnswersOfTheNetworkItself: where a surrogate stands in for a network whose predictions are to be kept, the ascent reads the
// network's own answers too. Besides, any ascent through a surrogate reads images and maps of the network itself to compare on.
func TestAnswersOfTheNetworkItself(t *testing.T) {
	t.Chdir("../..")
	parents := func(settings string) int {
		plan, err := planOf(t, goalConfig("", "{name: a, kind: upi_grad, eps: [255], "+settings+"}", "normalized_l2"))
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range plan.Tasks() {
			if task.Stage == "fit" {
				return len(task.Parents)
			}
		}
		return 0
	}
	for settings, want := range map[string]int{
		"surrogate: {beta: 30}": 4, "keep: {weight: 1}": 2, "surrogate: {beta: 30}, keep: {weight: 1}": 5,
	} {
		if got := parents(settings); got != want {
			t.Errorf("%s: %d artefacts are read of one shard, want %d", settings, got, want)
		}
	}
}

// TestObjectivesHaveMetrics: of each objective of attacks a metric tells the success, and both look at the same goal.
func TestObjectivesHaveMetrics(t *testing.T) {
	for kind, o := range attack.Objectives {
		m, there := metric.Measuring(kind)
		if !there || string(m.Goal) != o.Goal || string(o.Function) != kind {
			t.Errorf("%s: metric %q of the goal %q, want the goal %q", kind, m.Name, m.Goal, o.Goal)
		}
	}
}
