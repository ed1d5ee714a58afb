package stages

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"gonum.org/v1/gonum/blas/blas32"

	"upi/attack"
	"upi/data/table"
	"upi/pca"
	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/progress"
	"upi/projection"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/setting"
	"upi/stages/imageset"
)

// A synthetic matrix has the singular vectors of a cosine transform, singular values that fall by decay from one to the next, and
// some noise: its top right singular vector is known.
type synthetic struct {
	Rows, Shards int
	Shape        [3]int
	Rank         int
}

const (
	decay = 0.95
	// tilt is how far the noise turns the top right singular vector: the squared sine of the angle.
	tilt = 1e-5
)

func (s synthetic) size() int { return s.Shape[0] * s.Shape[1] * s.Shape[2] }

// noise is the variance of each entry. N'u/sigma_1 is what noise N adds to the right vector of a left vector u (Wedin 1972); the first
// singular value is the root of the number of rows.
func (s synthetic) noise() float64 { return tilt * float64(s.Rows) / float64(s.size()) }

// cosine is entry i of vector k of the orthonormal cosine transform of n entries, without the constant.
func cosine(i, k, n int) float64 {
	return math.Sqrt(2/float64(n)) * math.Cos(math.Pi*(float64(i)+0.5)*float64(k+1)/float64(n))
}

// A syntheticShard is one shard of the rows.
type syntheticShard struct {
	Matrix synthetic
	Shard  int
}

// runSynthetic stands in for the stage that computes gradients: it writes the rows of one shard.
func runSynthetic(ctx context.Context, job *pipeline.Job, spec syntheticShard) error {
	s := spec.Matrix
	d := s.size()
	vectors := make([]blas32.Vector, s.Rank)
	for k := range vectors {
		vectors[k] = blas32.Vector{N: d, Inc: 1, Data: make([]float32, d)}
		for j := range d {
			vectors[k].Data[j] = float32(cosine(j, k, d))
		}
	}
	out, err := imageset.Create(filepath.Join(job.Out, gradientsFile))
	if err != nil {
		return err
	}
	defer out.Close()
	var rows []gradientRow
	amplitude := float32(math.Sqrt(3 * s.noise()))
	gradient := make([]float32, d)
	for i := spec.Shard; i < s.Rows; i += s.Shards {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		source := rand.NewPCG(uint64(i), 0)
		for j := range gradient {
			gradient[j] = amplitude * float32(int32(source.Uint64())) * (1.0 / (1 << 31))
		}
		for k, v := range vectors {
			singular := math.Sqrt(float64(s.Rows)) * math.Pow(decay, float64(k))
			blas32.Axpy(float32(singular*cosine(i, k, s.Rows)), v, blas32.Vector{N: d, Inc: 1, Data: gradient})
		}
		if _, err := out.Write(imageset.BytesOf(gradient)); err != nil {
			return err
		}
		rows = append(rows, gradientRow{ID: int64(len(rows)), Position: int64(len(rows))})
	}
	return errors.Join(out.Close(), writeTable(filepath.Join(job.Out, rowsFile), table.Options{}, rows))
}

// TestDirectionOfRowsOnDisk runs the stages direction and fit over rows on disk, whose direction and explained share are known.
//
// With UPI_LARGE set to a directory of 31 GB, 50,000 rows of 224 x 224 x 3 are left there, and the memory is bounded as well: run
// it a second time, when the rows are there, for times and memory that are the direction's alone.
//
//	UPI_LARGE=DIR go test -v -timeout 1h -run OfRowsOnDisk ./stages
//
// UPI_LARGE_ROWS is another number of rows, in two shards, for the benchmark.
func TestDirectionOfRowsOnDisk(t *testing.T) {
	matrix := synthetic{Rows: 700, Shards: 3, Shape: [3]int{12, 12, 3}, Rank: 24}
	dir, large := os.LookupEnv("UPI_LARGE")
	if large {
		matrix = synthetic{Rows: 50_000, Shards: 10, Shape: [3]int{224, 224, 3}, Rank: 24}
		if rows, err := strconv.Atoi(os.Getenv("UPI_LARGE_ROWS")); err == nil {
			matrix.Rows, matrix.Shards = rows, 2
		}
	} else {
		dir = t.TempDir()
	}
	delta, spectrum, elapsed := fitFrom(t, dir, matrix)
	d, product := matrix.size(), 0.0
	for j, v := range delta {
		product += float64(v) / 255 * cosine(j, 0, d)
	}
	t.Logf("cosine to the known vector 1-%.2g; %s after %d passes, angle below %.2g; ratio %.4f; share %.5f", 1-math.Abs(product),
		spectrum.Status, spectrum.Passes, spectrum.Angle, spectrum.Ratio, spectrum.Terms[0].Share)
	t.Logf("direction: %.3f s, %d passes, off by %.2g rad", elapsed.Seconds(), spectrum.Passes, math.Acos(min(1, math.Abs(product))))
	if math.Abs(product) < 0.9999 {
		t.Errorf("cosine to the known vector %v", math.Abs(product))
	}
	share := 1 / ((1-math.Pow(decay, 2*float64(matrix.Rank)))/(1-decay*decay) + float64(d)*matrix.noise())
	if got := spectrum.Terms[0].Share; math.Abs(got/share-1) > 0.01 || math.Abs(spectrum.Ratio-decay) > 1e-3 {
		t.Errorf("share %v and ratio of singular values %v, want about %v and %v", got, spectrum.Ratio, share, decay)
	}
	if large {
		checkPeak(t, 1<<30)
	}
}

// fitFrom plans the rows, the direction and the fit, and runs what the cache in dir lacks; the direction always. It returns the
// perturbation, the spectrum and how long the direction took.
func fitFrom(t *testing.T, dir string, matrix synthetic) ([]float32, *pca.Result, time.Duration) {
	t.Helper()
	store, err := cache.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	a := attack.Kinds["upi_pca"].New()
	item, err := setting.NewItem("upi_pca", a)
	if err != nil {
		t.Fatal(err)
	}
	const workers = 2
	r := &runner{engine: engine.New(engine.Options{Devices: []runtime.Device{{}}, Workers: workers, Memory: 4 << 30}), rows: make(chan struct{}, 1)}
	plan := pipeline.NewPlan(nil, nil)
	gradients := pipeline.NewStage("gradients", 1, runSynthetic)
	needs := a.Needs().Rows
	rows := Matrix{Term: needs.Terms[0]}
	for shard := range matrix.Shards {
		made, err := plan.Add(gradients, fmt.Sprint(shard), syntheticShard{matrix, shard})
		if err != nil {
			t.Fatal(err)
		}
		rows.Shards = append(rows.Shards, []pipeline.Artefact{made})
	}
	// A version that the cache does not know.
	stage := pipeline.NewStage("direction", 1+rand.IntN(1<<30), r.runDirection)
	found, err := plan.Add(stage, "direction", DirectionSpec{Matrices: []Matrix{rows}, Spectrum: needs.Spectrum, Size: matrix.size()})
	if err != nil {
		t.Fatal(err)
	}
	spec := FitSpec{Problem: Problem{Attack: item, Shape: matrix.Shape, Norm: projection.L2, Eps: 255}, Direction: &found}
	if _, err := plan.Add(pipeline.NewStage("fit", 1, r.runFit), "fit", spec); err != nil {
		t.Fatal(err)
	}
	result, err := (&pipeline.Local{Store: store, Workers: workers}).Execute(t.Context(), plan, progress.Silent{})
	if err != nil {
		t.Fatal(err)
	}
	direction, fit := result.Tasks[matrix.Shards], result.Tasks[matrix.Shards+1]
	delta, err := readDelta(fit.Artefact.Dir(), matrix.size())
	if err != nil {
		t.Fatal(err)
	}
	var record fitRecord
	if err := readJSON(filepath.Join(fit.Artefact.Dir(), fitFile), &record); err != nil {
		t.Fatal(err)
	}
	passes := record.Spectrum.Passes
	bytes := float64(passes) * float64(matrix.Rows) * float64(4*matrix.size())
	t.Logf("%v, %d passes, %.0f MB/s of rows; the process held at most %d MiB", direction.Elapsed, passes, bytes/1e6/direction.Elapsed.Seconds(),
		result.PeakMemory["direction"]>>20)
	return delta, record.Spectrum, direction.Elapsed
}

// checkPeak bounds the most memory that the process ever held.
func checkPeak(t *testing.T, most int64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(status)) {
		var kilobytes int64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kilobytes); n == 1 {
			t.Logf("VmHWM %d MiB", kilobytes>>10)
			if kilobytes<<10 > most {
				t.Errorf("the process held %d MiB, more than %d", kilobytes>>10, most>>20)
			}
		}
	}
}
