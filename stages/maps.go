package stages

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"upi/data/table"
	"upi/pipeline"
	"upi/results"
)

const mapsFile = "maps.parquet" // mapsRow, if the task keeps maps

// A mapsRow is the maps of one image under one sign of one perturbation; images without either map have none.
type mapsRow struct {
	ID             int64     `parquet:"image_id"`
	Name           string    `parquet:"name"`
	Sign           int32     `parquet:"sign"`
	CleanScale     float64   `parquet:"clean_scale"`
	Clean          []float32 `parquet:"clean,half"`
	PerturbedScale float64   `parquet:"perturbed_scale"`
	Perturbed      []float32 `parquet:"perturbed,half"`
}

// A keeper writes the maps of a task, if it is to keep them; nil keeps none.
type keeper struct {
	out *table.Writer[mapsRow]
}

func newKeeper(job *pipeline.Job, spec Scoring, pixels int) (*keeper, error) {
	if !spec.KeepMaps {
		return nil, nil
	}
	out, err := table.Create[mapsRow](filepath.Join(job.Out, mapsFile), table.Options{Width: map[string]int{"clean": pixels, "perturbed": pixels}})
	return &keeper{out}, err
}

func (k *keeper) keep(row scoreRow, s score) error {
	if k == nil || s.clean == nil {
		return nil
	}
	clean, cleanScale := scaled(s.clean)
	perturbed, perturbedScale := scaled(s.perturbed)
	return k.out.Write(mapsRow{row.ID, row.Name, row.Sign, cleanScale, clean, perturbedScale, perturbed})
}

func (k *keeper) abort() {
	if k != nil {
		k.out.Abort()
	}
}

func (k *keeper) close() error {
	if k == nil {
		return nil
	}
	return k.out.Close()
}

// scaled returns a map divided by its largest value, and that: the values of a map are small where it has many pixels, and a float16
// holds what is near 1 best.
func scaled(values []float32) ([]float32, float64) {
	largest := float32(0)
	for _, v := range values {
		largest = max(largest, v)
	}
	if largest == 0 {
		return values, 1
	}
	unit := make([]float32, len(values))
	for i, v := range values {
		unit[i] = v / largest
	}
	return unit, float64(largest)
}

// writeMaps writes a file for each perturbation and target whose maps were kept, under the sign that is scored.
func writeMaps(job *pipeline.Job, all []*found) error {
	dir := filepath.Join(job.Out, results.MapsDir)
	if err := os.Mkdir(dir, 0o777); err != nil {
		return fmt.Errorf("create directory of maps: %w", err)
	}
	for _, f := range all {
		for k, t := range f.Targets {
			name := f.ID + "." + t.Model
			if t.Explanation != "" {
				name += "." + t.Explanation
			}
			path := filepath.Join(dir, name+".parquet")
			var err error
			if f.Scores[k].Names != nil {
				err = writeMapsOf(job, f, k, path, func(r mapsRow) string { return r.Name })
			} else {
				err = writeMapsOf(job, f, k, path, func(r mapsRow) int64 { return r.ID })
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func writeMapsOf[ID int64 | string](job *pipeline.Job, f *found, target int, path string, id func(mapsRow) ID) error {
	pixels := f.Shape[0] * f.Shape[1]
	metadata := results.Metadata(results.MapColumns, nil)
	metadata[results.ShapeKey] = fmt.Sprintf("[%d, %d]", f.Shape[0], f.Shape[1])
	w, err := table.Create[results.MapsOf[ID]](path, table.Options{Width: map[string]int{"clean": pixels, "perturbed": pixels}, Metadata: metadata})
	if err != nil {
		return err
	}
	defer w.Abort()
	for _, o := range f.planned.Scores[target] {
		from, there := dir(job, &o)
		if !there {
			continue
		}
		if err := copyMaps(w, filepath.Join(from, mapsFile), f.Sign, id); err != nil {
			return err
		}
	}
	return w.Close()
}

// copyMaps copies the maps of a task that are under one sign.
func copyMaps[ID int64 | string](to *table.Writer[results.MapsOf[ID]], path string, sign int, id func(mapsRow) ID) (err error) {
	r, err := table.Open[mapsRow](path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return r.Each(func(row *mapsRow) error {
		if int(row.Sign) != sign {
			return nil
		}
		return to.Write(results.MapsOf[ID]{ImageID: id(*row), CleanScale: row.CleanScale, Clean: row.Clean, PerturbedScale: row.PerturbedScale,
			Perturbed: row.Perturbed})
	})
}
