// Command agreement measures how far second-order gradients of nearby points agree, with the network as it is and with surrogates of
// several beta, and what a step along them gains on the network itself: which surrogate an attack on a network should differentiate.
//
//	agreement -model savedmodels/cifar10_vgg -images 'data/cifar10/fit-*.parquet' -eps 510
//
// It prints a table in Markdown, a line for each beta and radius of the noise; docs/results/imagenet.md has two of them. The points
// are where an ascent is at its start: images with one random perturbation of the norm eps, and each with noise of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"upi/data"
	"upi/data/picture"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
	"upi/setting"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "agreement:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("agreement", flag.ContinueOnError)
	model := flags.String("model", "", "the folder of a SavedModel")
	images := flags.String("images", "", "a pattern of image shards")
	count := flags.Int("count", 16, "how many images, from the start, at least 2")
	eps := flags.Float64("eps", 0, "the budget, an L2 norm in pixel units")
	betas := flags.String("betas", "0,100,30,10,3,1", "of the surrogates; 0 is the network as it is")
	radii := flags.String("radii", "0.5", "the L2 norms of the noise, as shares of eps")
	workers := flags.Int("workers", 1, "calls at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *model == "" || *images == "" || !(*eps > 0) || *count < 2 || *workers < 1 {
		return errors.New("want -model, -images, an -eps above 0, a -count of at least 2 and at least one of -workers")
	}
	m := measurement{
		eps: *eps,
		source: engine.Source{Dir: *model, Explanation: setting.Item{
			Kind: "simple_gradient", Settings: []byte(`{"class": "predicted"}`),
		}},
		engine: engine.New(engine.Options{Devices: []runtime.Device{{}}, Workers: *workers, Memory: 4 << 30}),
	}
	if err := m.load(context.Background(), *images, int64(*count)); err != nil {
		return err
	}
	fmt.Fprintln(out, "| "+strings.Join(columns, " | ")+" |\n|---"+strings.Repeat("|---:", len(columns)-1)+"|")
	all, err := numbers("betas", *betas)
	if err != nil {
		return err
	}
	shares, err := numbers("radii", *radii)
	if err != nil {
		return err
	}
	for _, beta := range all {
		for _, radius := range shares {
			row, err := m.of(context.Background(), beta, radius)
			if err != nil {
				return fmt.Errorf("beta %v, noise of %v eps: %w", beta, radius, err)
			}
			fmt.Fprintln(out, row.line(beta, radius))
		}
	}
	return nil
}

// numbers reads a list of numbers from 0 up, separated by commas.
func numbers(flag, list string) (all []float64, err error) {
	for text := range strings.SplitSeq(list, ",") {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || !(v >= 0) {
			return nil, fmt.Errorf("-%s: %q is no number from 0 up", flag, text)
		}
		all = append(all, v)
	}
	return all, nil
}

// load reads the images, and their classes and maps of the network as it is.
func (m *measurement) load(ctx context.Context, pattern string, count int64) error {
	set, err := data.OpenWith(pattern, data.Options{Limit: count, Pictures: picture.Options{JPEG: runtime.DecodeJPEG}})
	if err != nil {
		return err
	}
	for _, shard := range set.Shards() {
		reader, err := shard.Read(ctx)
		if err != nil {
			return err
		}
		defer reader.Close()
		for {
			image, err := reader.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			for _, v := range image.Pixels {
				m.pixels = append(m.pixels, float32(v))
			}
			m.ids = append(m.ids, image.ID)
		}
	}
	m.size = len(m.pixels) / len(m.ids)
	m.classes = make([]int32, len(m.ids))
	err = engine.Each(ctx, m.engine, engine.Mapper, m.source, len(m.ids),
		func(p *saliency.Mapper, lo, hi int) (saliency.Maps, error) {
			return p.Run(saliency.Batch{Pixels: m.pixels[lo*m.size : hi*m.size], Classes: m.classes[lo:hi]})
		},
		func(lo, _ int, maps saliency.Maps) error {
			for k, class := range maps.Prediction {
				m.classes[lo+k] = int32(class)
			}
			return nil
		})
	if err != nil {
		return err
	}
	m.reference, err = m.cleanMaps(ctx, m.source)
	return err
}
