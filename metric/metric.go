// Package metric measures how far an explanation and a prediction moved under a perturbation: one function per metric, all
// in one table. Maps are saliency maps of one image, H x W, flat and row by row, each divided by its L1 norm.
package metric

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Inputs is what is known about one image, clean and perturbed.
type Inputs struct {
	// The saliency maps, Height x Width, flat and row by row. They may be nil where no metric asks for them.
	Clean, Perturbed []float32
	Height, Width    int
	// The model's answers: the argmax of its logits.
	CleanPrediction, PerturbedPrediction int
	// The probabilities of the image's class.
	CleanProbability, PerturbedProbability float64
	// TopK is the share of pixels that top_k looks at, above 0 and at most 1; 0 stands for 0.1. The number of pixels is
	// TopK * Height * Width rounded to the nearest integer, halves up, and at least 1.
	TopK float64
	// Region is the box that the metrics of a region look at, and Target the map, Height x Width, that target_distance does. They may
	// be zero where no metric asks for them.
	Region Region
	Target []float32
}

// A Goal is what a metric has to be told beside the two maps.
type Goal string

const (
	// NoGoal is that of metrics of the two maps alone.
	NoGoal Goal = ""
	// RegionGoal is the box of Inputs.Region.
	RegionGoal Goal = "region"
	// TargetGoal is the map of Inputs.Target.
	TargetGoal Goal = "target"
)

// Metric describes one metric.
type Metric struct {
	Name string // as in configs and in the columns of scores
	Doc  string // one line for reports
	// Formula is in the letters of Notation; Origin is who measured explanations or answers so, or which library computes the same.
	Formula, Origin string
	// Rises tells whether a larger value means a larger change: true for distances, false for similarities.
	Rises bool
	// Unchanged is the value where nothing changed; NaN where that is another one for each clean map.
	Unchanged float64
	// Maps tells whether the metric needs the saliency maps.
	Maps bool
	// Sorts tells whether it sorts the maps' pixels, which takes ten times as long as all that do not, together.
	Sorts bool
	// Special metrics are of interest to few runs: they are computed where they are asked for.
	Special bool
	// Goal is what it has to be told.
	Goal Goal
	// Objective is the objective of attacks, by its kind in a config, that the metric tells the success of; empty where there is none.
	Objective string

	of func(in *Inputs, s *scratch) float64
}

var table = []Metric{
	{
		Name: "normalized_l2", Doc: "L2 distance of the maps over the L2 norm of the clean map",
		Formula: "‖I − I′‖₂ / ‖I‖₂", Origin: "Ehsani Oskouie and Farnia (ICASSP 2023)",
		Rises: true, Unchanged: 0, Maps: true, Objective: "dissimilarity", of: normalizedL2,
	},
	{
		Name: "cosine", Doc: "cosine of the angle between the maps",
		Formula: "⟨I, I′⟩ / (‖I‖₂ ‖I′‖₂)", Origin: "geometry",
		Rises: false, Unchanged: 1, Maps: true, of: cosine,
	},
	{
		Name: "top_k", Doc: "share of the most salient pixels that stay among them",
		Formula: "|top k of I ∩ top k of I′| / k", Origin: "Ghorbani, Abid and Zou (AAAI 2019)",
		Rises: false, Unchanged: 1, Maps: true, Sorts: true, Objective: "top_k", of: topK,
	},
	{
		Name: "spearman", Doc: "Spearman's rank correlation of the maps (average ranks)",
		Formula: "Pearson's correlation of the pixels' ranks in I and in I′", Origin: "Spearman (1904); as scipy.stats.spearmanr",
		Rises: false, Unchanged: 1, Maps: true, Sorts: true, of: spearman,
	},
	{
		Name: "kendall", Doc: "Kendall's rank correlation of the maps (tau-b)",
		Formula: "(concordant − discordant pairs) / √((pairs − ties in I)(pairs − ties in I′))", Origin: "Kendall (1945); as scipy.stats.kendalltau",
		Rises: false, Unchanged: 1, Maps: true, Sorts: true, of: kendall,
	},
	{
		Name: "ssim", Doc: "structural similarity of the maps, scaled by the clean map's maximum",
		Formula: "mean over 7 × 7 windows of (2μμ′ + c₁)(2σ_II′ + c₂) / ((μ² + μ′² + c₁)(σ² + σ′² + c₂)), c₁ = 0.01², c₂ = 0.03²",
		Origin:  "Wang et al. (2004); as scikit-image's default",
		Rises:   false, Unchanged: 1, Maps: true, of: ssim,
	},
	{
		Name: "center_shift", Doc: "distance of the maps' centres of mass in pixels",
		Formula: "‖Σ p I(p) / Σ I(p) − Σ p I′(p) / Σ I′(p)‖₂ over the pixels p", Origin: "Ghorbani, Abid and Zou (AAAI 2019), not truncated",
		Rises: true, Unchanged: 0, Maps: true, Objective: "mass_center", of: centerShift,
	},
	{
		Name: "prediction_changed", Doc: "1 where the model's answer changed, else 0; its mean is the share of such images",
		Formula: "1 if argmax z(x + δ) ≠ argmax z(x)", Origin: "fooling rate: Moosavi-Dezfooli et al. (CVPR 2017)",
		Rises: true, Unchanged: 0, Maps: false, of: predictionChanged,
	},
	{
		Name: "probability_drop", Doc: "probability of the class, clean less perturbed",
		Formula: "p_c(x) − p_c(x + δ)", Origin: "definition",
		Rises: true, Unchanged: 0, Maps: false, of: probabilityDrop,
	},
	{
		Name: "kept_l2", Doc: "normalized_l2 of the images whose prediction is kept; the others have none",
		Formula: "‖I − I′‖₂ / ‖I‖₂ where argmax z(x + δ) = argmax z(x)", Origin: "definition",
		Rises: true, Unchanged: 0, Maps: true, Special: true, of: keptL2,
	},
	{
		Name: "region_share", Doc: "share of the perturbed map inside the goal's box",
		Formula: "Σ I′(p) over the pixels p of the box / Σ I′(p) over all", Origin: "definition",
		Rises: true, Unchanged: math.NaN(), Maps: true, Special: true, Goal: RegionGoal, Objective: "region", of: regionShare,
	},
	{
		Name: "region_gain", Doc: "share of the perturbed map inside the goal's box, less that of the clean map",
		Formula: "region_share of I′ − region_share of I", Origin: "definition",
		Rises: true, Unchanged: 0, Maps: true, Special: true, Goal: RegionGoal, of: regionGain,
	},
	{
		Name: "target_distance", Doc: "L2 distance of the perturbed map from the goal's map T over that of the clean map",
		Formula: "‖I′ − T‖₂ / ‖I − T‖₂", Origin: "mean squared error to the target: Dombrowski et al. (NeurIPS 2019)",
		Rises: false, Unchanged: 1, Maps: true, Special: true, Goal: TargetGoal, Objective: "target", of: targetDistance,
	},
}

// Notation says what the letters of the formulas stand for.
const Notation = "I and I′: the saliency maps of an image x and of x + δ, each divided by its L1 norm. z: the model's logits. " +
	"p_c: the probability of the class c that the map explains."

// All returns all metrics, in the order of the documentation.
func All() []Metric { return slices.Clone(table) }

// Measuring returns the metric that tells the success of attacks on an objective, by the objective's kind in a config.
func Measuring(objective string) (Metric, bool) {
	i := slices.IndexFunc(table, func(m Metric) bool { return m.Objective == objective && objective != "" })
	if i < 0 {
		return Metric{}, false
	}
	return table[i], true
}

// Stronger says which way a value means a larger change, and what it is where nothing changed.
func (m Metric) Stronger() string {
	way := "smaller"
	if m.Rises {
		way = "larger"
	}
	if math.IsNaN(m.Unchanged) {
		return way + " (unchanged: that of the clean map)"
	}
	return fmt.Sprintf("%s (unchanged: %g)", way, m.Unchanged)
}

// Names returns the names of all metrics.
func Names() []string {
	names := make([]string, len(table))
	for i, m := range table {
		names[i] = m.Name
	}
	return names
}

// Computed lists, in the order of the table, the metrics that are computed where some are asked for: these and all that cost next to
// nothing beside a map. So those can be asked for later without another map.
func Computed(asked []string) []string {
	var names []string
	for _, m := range table {
		if !m.Sorts && !m.Special || slices.Contains(asked, m.Name) {
			names = append(names, m.Name)
		}
	}
	return names
}

// Lookup returns the metric of a name, or an error that lists the names.
func Lookup(name string) (Metric, error) {
	for _, m := range table {
		if m.Name == name {
			return m, nil
		}
	}
	return Metric{}, fmt.Errorf("metric %q is unknown: take some of %s", name, strings.Join(Names(), ", "))
}

// Evaluator computes a fixed list of metrics for one image after the other. It keeps its buffers, so it is not safe for
// concurrent use: make one per worker.
type Evaluator struct {
	metrics []Metric
	maps    bool
	scratch scratch
}

// NewEvaluator returns an evaluator of the named metrics, or an error that lists the names that there are.
func NewEvaluator(names ...string) (*Evaluator, error) {
	e := &Evaluator{}
	for _, name := range names {
		m, err := Lookup(name)
		if err != nil {
			return nil, err
		}
		e.metrics = append(e.metrics, m)
		e.maps = e.maps || m.Maps
	}
	return e, nil
}

// Metrics returns the evaluator's metrics in the order of its values.
func (e *Evaluator) Metrics() []Metric { return e.metrics }

// Evaluate writes the image's metrics to dst, in the order of the evaluator's names. A metric that is not defined on the
// image is NaN: every metric of the maps where a pixel is not finite; normalized_l2 and cosine where a map is zero;
// spearman and kendall where a map is constant; ssim where a side is shorter than 7 pixels or the clean map's maximum is
// not positive; center_shift and what looks at a region where a map sums to 0; target_distance where the clean map is the target;
// kept_l2 where the prediction changed. Evaluate returns an error where the maps, or a target that is asked for, do not have
// Height x Width pixels, a region that is asked for does not lie in them, TopK is not in 0..1, or dst has another length than the
// list of metrics.
func (e *Evaluator) Evaluate(dst []float64, in Inputs) error {
	if len(dst) != len(e.metrics) {
		return fmt.Errorf("evaluate %d metrics into %d values", len(e.metrics), len(dst))
	}
	if in.TopK == 0 {
		in.TopK = 0.1
	}
	if !(in.TopK > 0 && in.TopK <= 1) {
		return fmt.Errorf("top_k's share of pixels is %v: it must be above 0 and at most 1", in.TopK)
	}
	whole := true
	if e.maps {
		pixels := in.Height * in.Width
		if in.Height < 1 || in.Width < 1 || len(in.Clean) != pixels || len(in.Perturbed) != pixels {
			return fmt.Errorf("evaluate maps of %d x %d pixels: the clean map has %d values, the perturbed one %d",
				in.Height, in.Width, len(in.Clean), len(in.Perturbed))
		}
		whole = finite(in.Clean) && finite(in.Perturbed)
		if err := e.checkGoals(in); err != nil {
			return err
		}
	}
	e.scratch.forget()
	for i, m := range e.metrics {
		if m.Maps && !whole {
			dst[i] = math.NaN()
			continue
		}
		dst[i] = m.of(&in, &e.scratch)
	}
	return nil
}

// checkGoals returns an error where a metric lacks what it has to be told.
func (e *Evaluator) checkGoals(in Inputs) error {
	for _, m := range e.metrics {
		switch m.Goal {
		case RegionGoal:
			if err := in.Region.Check(in.Height, in.Width); err != nil {
				return fmt.Errorf("evaluate %s: %w", m.Name, err)
			}
		case TargetGoal:
			if len(in.Target) != in.Height*in.Width {
				return fmt.Errorf("evaluate %s: a target of %d values for maps of %d x %d pixels", m.Name, len(in.Target), in.Height, in.Width)
			}
		}
	}
	return nil
}

func finite(values []float32) bool {
	for _, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}

func predictionChanged(in *Inputs, _ *scratch) float64 {
	if in.CleanPrediction != in.PerturbedPrediction {
		return 1
	}
	return 0
}

func probabilityDrop(in *Inputs, _ *scratch) float64 {
	return in.CleanProbability - in.PerturbedProbability
}
