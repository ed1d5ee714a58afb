package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/cobra"

	"upi/data"
	"upi/data/picture"
	"upi/pipeline"
	"upi/pipeline/atomicfile"
	"upi/pipeline/config"
	"upi/results"
	"upi/savedmodels"
	"upi/savedmodels/engine"
	"upi/savedmodels/preflight"
	"upi/stages/planner"
)

func initCommand() *cobra.Command {
	var to string
	var size int
	c := &cobra.Command{
		Use:   "init MODEL SHARDS [TEST_SHARDS]",
		Short: "Write a commented configuration for a SavedModel and images, which it looks at",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) < 2 || len(args) > 3 {
				return exactly(2)(c, args)
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			path, err := initialise(c.Context(), args, to, size)
			if err != nil {
				return err
			}
			if path == "" {
				return nil
			}
			fmt.Fprintln(c.OutOrStdout(), path)
			fmt.Fprintf(os.Stderr, "what it would do:  upi plan %s\nto do it:          upi run %s\n", path, path)
			return nil
		},
	}
	c.Flags().StringVar(&to, "to", "", "the file to write (default: the model's name and .yaml); - is standard output")
	c.Flags().IntVar(&size, "size", 0, "bring the pictures to this height and width, where the SavedModel takes any")
	return described(c, `
Write a commented configuration for a SavedModel and images, which can be run as it stands. What the model takes and answers, how
right it is on the images, and whether their pixels want another scale is found out; the budgets suit the size of the images.

SHARDS is a directory with fit-*.parquet and test-*.parquet (or train-* and validation-*), as upi import makes it, or the images
that perturbations are fitted on; TEST_SHARDS are then those on which they are scored. A file that is there is not overwritten.`, `
upi init savedmodels/mnist_cnn data/mnist
upi init my_model 'shards/train-*.parquet' 'shards/val-*.parquet' --to my.yaml`, exitCodes{
		pipeline.ExitUsage: "the command line is wrong, or the model or the images are not there or do not fit",
	})
}

// A start is what the configuration that is written rests on.
type start struct {
	name, model string
	fit, test   string
	resize      config.Resize
	options     savedmodels.Options
	shape       [3]int
	head        savedmodels.Head
	images      [2]int64 // of the fit and the test split
	classNames  []string
	answers     results.Model
	// configured are the answers without the setting that is written, and setting what the model's input should say.
	configured results.Model
	setting    string
	advice     string
	// surrogate is whether the attacks need one.
	surrogate bool
}

// surrogateBeta is that of the surrogate that is written.
const surrogateBeta = 30

// initialise returns the file that it has written; empty for standard output.
func initialise(ctx context.Context, args []string, to string, size int) (string, error) {
	s := &start{model: args[0], name: nameOf(args[0])}
	if to == "" {
		to = s.name + ".yaml"
	}
	if to != "-" {
		if _, err := os.Stat(to); err == nil {
			return "", &usageError{fmt.Errorf("init: %s is there already; name another file by --to", to)}
		}
	}
	var err error
	if s.fit, s.test, err = splitsOf(args[1:]); err != nil {
		return "", err
	}
	if err := s.look(ctx, size); err != nil {
		return "", pipeline.Named(fmt.Errorf("init: %w", err))
	}
	text := s.text()
	if err := runnable(text); err != nil {
		return "", pipeline.Named(fmt.Errorf("init: what was found does not make a configuration that can be run: %w", err))
	}
	if to == "-" {
		_, err := os.Stdout.WriteString(text)
		return "", err
	}
	return to, atomicfile.WriteFile(to, []byte(text))
}

var notInNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// nameOf makes a model's directory the name of a model and a run.
func nameOf(dir string) string {
	base := filepath.Base(filepath.Clean(dir))
	if abs, err := filepath.Abs(dir); err == nil {
		base = filepath.Base(abs)
	}
	name := strings.Trim(notInNames.ReplaceAllString(base, "_"), "._-")
	if name == "" {
		return "model"
	}
	return name[:min(len(name), 60)]
}

// splitsOf finds the patterns of the fit and the test split.
func splitsOf(args []string) (fit, test string, err error) {
	if len(args) == 2 {
		return args[0], args[1], nil
	}
	dir := args[0]
	info, err := os.Stat(dir)
	if err != nil || !info.IsDir() {
		return "", "", &usageError{fmt.Errorf("init: %s is no directory of shards: give the images to fit on and those to score on, as in upi init MODEL "+
			"'shards/fit-*.parquet' 'shards/test-*.parquet'", dir)}
	}
	first := func(names ...string) string {
		for _, name := range names {
			pattern := filepath.Join(dir, name+"*.parquet")
			if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
				return pattern
			}
		}
		return ""
	}
	fit, test = first("fit-", "train-", "fit", "train"), first("test-", "validation-", "val-", "test", "val")
	if fit == "" || test == "" {
		return "", "", &usageError{fmt.Errorf("init: %s has no fit-*.parquet and test-*.parquet (or train-* and validation-*): name both patterns, or make shards of a "+
			"folder of pictures by upi import image-folder shards --from %s", dir, dir)}
	}
	return fit, test, nil
}

// look opens the model and the images.
func (s *start) look(ctx context.Context, size int) error {
	opened, err := savedmodels.Open(s.model, s.options)
	open := errors.Is(err, savedmodels.ErrOpenSize)
	if err != nil && !open {
		return err
	}
	var want [3]int
	if open {
		want = [3]int{size, size, 0}
	} else {
		want = opened.ImageShape()
	}
	d, err := s.data(s.fit, preflight.Most, want)
	if err != nil {
		return err
	}
	if open {
		s.options.Shape = d.Shape()
		if opened, err = savedmodels.Open(s.model, s.options); err != nil {
			return err
		}
	}
	if err := opened.Differentiable(); err != nil {
		return err
	}
	if s.surrogate, err = engine.NeedsSurrogate(s.model, s.options, surrogateBeta); err != nil {
		return err
	}
	s.shape, s.head, s.classNames = opened.ImageShape(), opened.Head(), d.ClassNames()
	for i, path := range []string{s.fit, s.test} {
		all, err := s.data(path, 0, want)
		if err != nil {
			return err
		}
		s.images[i] = all.Len()
	}
	return s.ask(ctx, d)
}

// data opens images. If they are not of the size that is wanted, and it is that of a square, they are brought to it; 0 takes any.
func (s *start) data(path string, limit int64, want [3]int) (*data.Dataset, error) {
	open := func() (*data.Dataset, error) {
		resize, err := picture.Choice(s.resize).Resize()
		if err != nil {
			return nil, err
		}
		return data.OpenWith(path, data.Options{Limit: limit, Pictures: picture.Options{Resize: resize}})
	}
	d, err := open()
	if errors.Is(err, fs.ErrNotExist) || want[0] == 0 || want[0] != want[1] || s.resize != (config.Resize{}) {
		return d, err
	}
	if err == nil && d.Shape()[0] == want[0] && d.Shape()[1] == want[1] {
		return d, nil
	}
	s.resize = config.Resize{Mode: "crop", Size: want[0]}
	resized, failed := open()
	if failed != nil {
		return d, errors.Join(err, failed)
	}
	return resized, nil
}

// ask counts how right the model is, and takes the scaling that makes it clearly righter.
func (s *start) ask(ctx context.Context, d *data.Dataset) error {
	if d.Shape() != s.shape {
		return fmt.Errorf("%s takes images of %v (height, width, channels), %s holds %v; %s", s.model, s.shape, s.fit, d.Shape(), planner.Refit(s.shape, d.Shape()))
	}
	row, finding, err := answersOf(ctx, s.model, s.options, d, s.head.Classes)
	if err != nil {
		return err
	}
	s.answers, s.configured, s.setting, s.advice = row, row, finding.Setting, finding.Advice
	if s.setting == "" {
		return nil
	}
	o, err := s.scaled()
	if err != nil {
		return err
	}
	s.answers, _, err = answersOf(ctx, s.model, o, d, s.head.Classes)
	return err
}

// scaled are the options of the model with the setting that is written.
func (s *start) scaled() (savedmodels.Options, error) {
	cfg, err := load(s.text())
	if err != nil {
		return savedmodels.Options{}, err
	}
	o := planner.ModelOptions(cfg.Models[0])
	o.Shape = s.options.Shape
	return o, nil
}

// load reads a configuration's text.
func load(text string) (*config.Config, error) {
	dir, err := os.MkdirTemp("", "upi-init-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "init.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return nil, err
	}
	return config.Load(path, nil, planner.Kinds())
}

// runnable plans what the text configures.
func runnable(text string) error {
	cfg, err := load(text)
	if err != nil {
		return err
	}
	_, err = planOf(cfg, nil)
	return err
}
