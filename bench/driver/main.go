// Command driver computes maps and gradients as a run does, over and over, for the benchmark: it does what the peers' scripts do,
// under the same protocol, in the programs, batches and slots that the stages of a run use.
//
//	driver TASK.json
//
// TASK.json is a [task]. Each line of standard input asks for something, and each is answered by a line of JSON:
//
//	round N   computes N images, going round the task's, and says how many seconds it took
//	check     computes all of the task's images and writes what came out to the task's file
//
// The first line of the output comes when all is built and one batch has been computed.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
)

// A task says what to compute.
type task struct {
	// Source is a SavedModel seen through an explanation. A key that the engine does not know is an error.
	Source engine.Source `json:"source"`
	// Order is 1 for maps, 2 for the gradient of the distance of two maps.
	Order int `json:"order"`
	// Images is a folder of pixels.f32, classes.i32 and reference.f32, without headers, little-endian: Count images of Shape.
	Images string `json:"images"`
	Count  int    `json:"count"`
	Shape  [3]int `json:"shape"`
	// Workers is how many calls may run at once.
	Workers int `json:"workers"`
	// Out is the file for what check computes: for each image its map, or its distance and then its gradient, as float32.
	Out string `json:"out"`
}

// memory is the default of the key memory of a configuration.
const memory = 4 << 30

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "driver:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return errors.New("want one argument, the file of the task")
	}
	encoded, err := os.ReadFile(os.Args[1])
	if err != nil {
		return err
	}
	var t task
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&t); err != nil {
		return fmt.Errorf("read %s: %w", os.Args[1], err)
	}
	c := &computer{task: t, engine: engine.New(engine.Options{Devices: []runtime.Device{{}}, Workers: t.Workers, Memory: memory})}
	if err := c.load(); err != nil {
		return err
	}
	begin := time.Now()
	if err := c.compute(t.Count, nil); err != nil {
		return err
	}
	return c.serve(begin)
}

// serve answers the lines of standard input.
func (c *computer) serve(begin time.Time) error {
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(map[string]any{"ready": time.Since(begin).Seconds(), "batch": c.batch}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var n int
		switch line := strings.TrimSpace(lines.Text()); {
		case line == "check":
			if err := c.check(); err != nil {
				return err
			}
			if err := out.Encode(map[string]any{"written": c.task.Out}); err != nil {
				return err
			}
		default:
			if _, err := fmt.Sscanf(line, "round %d", &n); err != nil {
				return fmt.Errorf("line %q: want check, or round and a number", line)
			}
			begin := time.Now()
			if err := c.compute(n, nil); err != nil {
				return err
			}
			if err := out.Encode(map[string]any{"images": n, "seconds": time.Since(begin).Seconds()}); err != nil {
				return err
			}
		}
	}
	return nil
}

// A computer holds a task's images.
type computer struct {
	task              task
	engine            *engine.Engine
	pixels, reference []float32
	classes           []int32
	batch             int
}

func (c *computer) size() int   { return c.points() * c.task.Shape[2] }
func (c *computer) points() int { return c.task.Shape[0] * c.task.Shape[1] }

func (c *computer) load() error {
	c.pixels, c.classes = make([]float32, c.task.Count*c.size()), make([]int32, c.task.Count)
	c.reference = make([]float32, c.task.Count*c.points())
	for name, into := range map[string]any{"pixels.f32": c.pixels, "classes.i32": c.classes, "reference.f32": c.reference} {
		encoded, err := os.ReadFile(filepath.Join(c.task.Images, name))
		if err != nil {
			return err
		}
		if err := binary.Read(bytes.NewReader(encoded), binary.LittleEndian, into); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
	}
	return nil
}

// images returns those numbered from lo to hi, going round.
func (c *computer) images(lo, hi int) saliency.Batch {
	b := saliency.Batch{Pixels: make([]float32, 0, (hi-lo)*c.size()), Classes: make([]int32, 0, hi-lo)}
	for i := lo; i < hi; i++ {
		at := i % c.task.Count
		b.Pixels = append(b.Pixels, c.pixels[at*c.size():(at+1)*c.size()]...)
		b.Classes = append(b.Classes, c.classes[at])
		if c.task.Order == 2 {
			b.Reference = append(b.Reference, c.reference[at*c.points():(at+1)*c.points()]...)
		}
	}
	return b
}

// compute computes n images and hands the numbers of each to deliver, if that is not nil, in order.
func (c *computer) compute(n int, deliver func(numbers []float32) error) error {
	pass := func(lo, hi int, rows func(k int) []float32) error {
		c.batch = max(c.batch, hi-lo)
		for k := 0; k < hi-lo && deliver != nil; k++ {
			if err := deliver(rows(k)); err != nil {
				return err
			}
		}
		return nil
	}
	ctx := context.Background()
	if c.task.Order == 1 {
		return engine.Each(ctx, c.engine, engine.Mapper, c.task.Source, n,
			func(m *saliency.Mapper, lo, hi int) (saliency.Maps, error) { return m.Run(c.images(lo, hi)) },
			func(lo, hi int, maps saliency.Maps) error {
				return pass(lo, hi, func(k int) []float32 { return maps.Map[k*c.points() : (k+1)*c.points()] })
			})
	}
	return engine.Each(ctx, c.engine, engine.Dissimilarity, c.task.Source, n,
		func(o *saliency.Objective, lo, hi int) (saliency.Gradients, error) { return o.Run(c.images(lo, hi)) },
		func(lo, hi int, g saliency.Gradients) error {
			return pass(lo, hi, func(k int) []float32 { return append([]float32{g.Value[k]}, g.Rows[k*c.size():(k+1)*c.size()]...) })
		})
}

// check writes what the task's images give.
func (c *computer) check() error {
	var all []float32
	if err := c.compute(c.task.Count, func(numbers []float32) error {
		all = append(all, numbers...)
		return nil
	}); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := binary.Write(&out, binary.LittleEndian, all); err != nil {
		return err
	}
	return os.WriteFile(c.task.Out, out.Bytes(), 0o644)
}
