package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	goruntime "runtime"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"upi/data"
	"upi/pipeline/config"
	"upi/results"
	"upi/savedmodels"
	"upi/savedmodels/engine"
	"upi/savedmodels/preflight"
	"upi/savedmodels/runtime"
	"upi/setting"
	"upi/stages"
	"upi/stages/tables"
)

// answersFlags say how images become a model's input, and on which its answers are looked at.
type answersFlags struct {
	data          string
	limit         int64
	shape         []int
	scale, offset []string
}

func (a *answersFlags) add(f *pflag.FlagSet, o *savedmodels.Options) {
	f.IntSliceVar(&a.shape, "shape", nil, "height,width,channels of the images where the SavedModel leaves them open (default: those of --data)")
	f.StringSliceVar(&a.scale, "scale", nil, "the input is scale * pixels + offset: a number or a fraction such as 1/255, or one per channel")
	f.StringSliceVar(&a.offset, "offset", nil, "see --scale")
	f.StringVar(&o.Channels, "channels", "", "order of the channels in the input: rgb or bgr")
	f.StringVar(&o.Preprocess, "preprocess", "", "a convention in place of scale, offset and channels: "+strings.Join(savedmodels.Conventions(), ", "))
	f.StringVar(&a.data, "data", "", "image shards on which the answers are looked at, such as 'data/mnist/test-*.parquet'")
	f.Int64Var(&a.limit, "limit", 1000, "how many images of --data are looked at, from the first; 0: all")
}

// into makes the flags options of the SavedModel in dir.
func (a *answersFlags) into(o *savedmodels.Options, dir string) error {
	if len(a.shape) != 0 && len(a.shape) != 3 {
		return &usageError{fmt.Errorf("inspect: --shape %v: want height,width,channels", a.shape)}
	}
	copy(o.Shape[:], a.shape)
	var err error
	if o.Scale, err = numbers(a.scale); err != nil {
		return &usageError{fmt.Errorf("inspect: --scale %q: %w", a.scale, err)}
	}
	if o.Offset, err = numbers(a.offset); err != nil {
		return &usageError{fmt.Errorf("inspect: --offset %q: %w", a.offset, err)}
	}
	if a.data == "" || a.shape != nil {
		return nil
	}
	if _, err := savedmodels.Open(dir, *o); !errors.Is(err, savedmodels.ErrOpenSize) {
		return nil // what else is wrong, the inspection says
	}
	d, err := data.Open(a.data, a.limit)
	if err == nil {
		o.Shape = d.Shape()
	}
	return err
}

// numbers reads numbers as a configuration has them.
func numbers(texts []string) (savedmodels.PerChannel, error) {
	var all savedmodels.PerChannel
	for _, text := range texts {
		var v config.Factor
		if err := v.UnmarshalText([]byte(text)); err != nil {
			return nil, err
		}
		all = append(all, float64(v))
	}
	return all, nil
}

// inspectMemory is what looking at a model's answers may take, in bytes: a run's default.
const inspectMemory = 4 << 30

// inspectAnswers shows how right a model is on images, and what helps if it is not.
func inspectAnswers(ctx context.Context, out io.Writer, dir string, o savedmodels.Options, on answersFlags) error {
	d, err := data.Open(on.data, on.limit)
	if err != nil {
		return err
	}
	m, err := savedmodels.Open(dir, o)
	if err != nil {
		return err
	}
	if shape := m.ImageShape(); d.Shape() != shape {
		return fmt.Errorf("%s takes images of %v (height, width, channels), %s holds %v", dir, shape, on.data, d.Shape())
	}
	row, finding, err := answersOf(ctx, dir, o, d, m.Classes())
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d images right: %s; the commonest label alone %.1f %%, 1 / classes %.1f %%\n",
		row.Right, row.Images, accuracy(row), 100**row.Commonest, 100*row.Uniform)
	fmt.Fprintf(out, "probability of exactly 0 or 1 in float32: %d; no map by %s: %d, not finite: %d\n",
		row.Saturated, row.Explanation, row.NoMap, row.NotFinite)
	for _, doubt := range tables.Doubts([]results.Model{row}) {
		fmt.Fprintln(out, doubt.Text)
	}
	if finding.Images > 0 {
		fmt.Fprintf(out, "Advice: %s.\n", finding.Says())
	}
	return nil
}

// answersOf counts how right a model is on images, and looks for what helps where it is hardly so.
func answersOf(ctx context.Context, dir string, o savedmodels.Options, d *data.Dataset, classes int) (results.Model, preflight.Finding, error) {
	fail := func(err error) (results.Model, preflight.Finding, error) {
		return results.Model{}, preflight.Finding{}, err
	}
	pixels, labels, err := pixelsOf(ctx, d, classes)
	if err != nil {
		return fail(err)
	}
	devices, err := runtime.Select("cpu")
	if err != nil {
		return fail(err)
	}
	e := engine.New(engine.Options{Devices: devices, Workers: goruntime.GOMAXPROCS(0), Memory: inspectMemory})
	source := engine.Source{Dir: dir, Model: o, Explanation: setting.Item{Kind: "simple_gradient", Settings: json.RawMessage("{}")}}
	clean, err := stages.CleanImages(ctx, e, source, pixels, labels)
	if err != nil {
		return fail(err)
	}
	row := tables.Clean{Model: dir, Explanation: source.Explanation.Kind, Classes: int64(classes), Images: d.Len()}.Row(slices.Values(clean))
	finding, err := stages.Diagnose(ctx, e, source, clean, func(i int, dst []float32) error {
		for j, v := range pixels[i] {
			dst[j] = float32(v)
		}
		return nil
	})
	return row, finding, err
}

// accuracy reads "98.3 % ± 0.7".
func accuracy(row results.Model) string {
	text := fmt.Sprintf("%.1f %%", 100**row.Accuracy)
	if row.StdError != nil {
		text += fmt.Sprintf(" ± %.1f", 100**row.StdError)
	}
	return text
}

// pixelsOf reads images, whose labels must be classes of a model.
func pixelsOf(ctx context.Context, d *data.Dataset, classes int) (pixels [][]byte, labels []int64, err error) {
	for _, shard := range d.Shards() {
		reader, err := shard.Read(ctx)
		if err != nil {
			return nil, nil, err
		}
		defer reader.Close()
		for row := 0; ; row++ {
			image, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return nil, nil, err
			}
			if image.Label < 0 || image.Label >= int64(classes) {
				return nil, nil, fmt.Errorf("row %d of %s (image %d): label %d, the model has the classes 0 to %d", row, shard.Path, image.ID, image.Label, classes-1)
			}
			pixels, labels = append(pixels, image.Pixels), append(labels, image.Label)
		}
	}
	return pixels, labels, nil
}
