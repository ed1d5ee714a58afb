package stages

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/blas/blas32"

	"upi/attack"
	"upi/data/table"
	"upi/pca"
	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/progress"
	"upi/projection"
	"upi/savedmodels/runtime"
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

// runGradients stands in for the stage that computes gradients: it writes the rows of one shard.
func (s synthetic) runGradients(ctx context.Context, job *pipeline.Job) error {
	var shard int
	if err := job.Decode(&struct {
		Matrix *synthetic
		Shard  *int
	}{&s, &shard}); err != nil {
		return err
	}
	d := s.size()
	vectors := make([]blas32.Vector, s.Rank)
	for k := range vectors {
		vectors[k] = blas32.Vector{N: d, Inc: 1, Data: make([]float32, d)}
		for j := range d {
			vectors[k].Data[j] = float32(cosine(j, k, d))
		}
	}
	out, err := table.Create[gradientRow](filepath.Join(job.Dir, gradientsFile), table.Options{Width: map[string]int{"gradient": d}})
	if err != nil {
		return err
	}
	defer out.Abort()
	amplitude := float32(math.Sqrt(3 * s.noise()))
	row := gradientRow{Gradient: make([]float32, d)}
	for i := shard; i < s.Rows; i += s.Shards {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		source := rand.NewPCG(uint64(i), 0)
		for j := range row.Gradient {
			row.Gradient[j] = amplitude * float32(int32(source.Uint64())) * (1.0 / (1 << 31))
		}
		for k, v := range vectors {
			singular := math.Sqrt(float64(s.Rows)) * math.Pow(decay, float64(k))
			blas32.Axpy(float32(singular*cosine(i, k, s.Rows)), v, blas32.Vector{N: d, Inc: 1, Data: row.Gradient})
		}
		if err := out.Write(row); err != nil {
			return err
		}
		row.ID, row.Position = row.ID+1, row.Position+1
	}
	return out.Close()
}

// TestDirectionOfRowsOnDisk runs the stages direction and fit over rows on disk, whose direction and explained share are known.
//
// With UPI_LARGE set to a directory of 31 GB, 50,000 rows of 224 x 224 x 3 are left there, and the memory is bounded as well: run
// it a second time, when the rows are there, for times and memory that are the direction's alone.
//
//	UPI_LARGE=DIR go test -v -timeout 1h -run OfRowsOnDisk ./stages
func TestDirectionOfRowsOnDisk(t *testing.T) {
	matrix := synthetic{Rows: 700, Shards: 3, Shape: [3]int{12, 12, 3}, Rank: 24}
	dir, large := os.LookupEnv("UPI_LARGE")
	if large {
		matrix = synthetic{Rows: 50_000, Shards: 10, Shape: [3]int{224, 224, 3}, Rank: 24}
	} else {
		dir = t.TempDir()
	}
	delta, spectrum := fitFrom(t, dir, matrix)
	d, product := matrix.size(), 0.0
	for j, v := range delta {
		product += float64(v) / 255 * cosine(j, 0, d)
	}
	t.Logf("cosine to the known vector 1-%.2g; %s after %d passes, angle below %.2g; ratio %.4f; share %.5f", 1-math.Abs(product),
		spectrum.Status, spectrum.Passes, spectrum.Angle, spectrum.Ratio, spectrum.Terms[0].Share)
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

// fitFrom plans the rows, the direction and the fit, and runs what the cache in dir lacks; the direction always.
func fitFrom(t *testing.T, dir string, matrix synthetic) ([]float32, *pca.Result) {
	t.Helper()
	store, err := cache.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	item, err := newItemSpec("upi_pca", attack.Kinds["upi_pca"].New())
	if err != nil {
		t.Fatal(err)
	}
	const workers = 2
	e := newEngine([]runtime.Device{{}}, workers, 4<<30)
	plan := pipeline.NewPlan(nil, nil)
	gradients := &pipeline.Stage{Name: "gradients", Version: 1, Run: matrix.runGradients}
	var parents []pipeline.Option
	for shard := range matrix.Shards {
		key, err := plan.Add(gradients, fmt.Sprint(shard), map[string]any{"Matrix": matrix, "Shard": shard})
		if err != nil {
			t.Fatal(err)
		}
		parents = append(parents, pipeline.From(roleGradients, key))
	}
	rows := attack.Kinds["upi_pca"].New().Needs().Rows
	// A version that the cache does not know.
	stage := &pipeline.Stage{Name: "direction", Version: 1 + rand.IntN(1<<30), Run: e.runDirection}
	found, err := plan.Add(stage, "direction",
		directionSpec{Terms: rows.Terms, Spectrum: rows.Spectrum, Size: matrix.size(), Sources: 1, Shards: matrix.Shards}, parents...)
	if err != nil {
		t.Fatal(err)
	}
	spec := fitSpec{Attack: item, Sources: make([]sourceSpec, 1), Shape: matrix.Shape, Norm: projection.L2, Eps: 255}
	if _, err := plan.Add(&pipeline.Stage{Name: "fit", Version: 1, Run: e.runFit}, "fit", spec, pipeline.From(roleDirection, found)); err != nil {
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
	return delta, record.Spectrum
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
