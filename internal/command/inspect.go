package command

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"upi/data"
	"upi/data/table"
	"upi/pipeline"
	"upi/pipeline/content"
	"upi/results"
	"upi/savedmodels"
	"upi/savedmodels/engine"
	"upi/savedmodels/graphdef"
)

func inspectCommand() *cobra.Command {
	var o savedmodels.Options
	var on answersFlags
	c := &cobra.Command{
		Use:   "inspect PATH",
		Short: "Show what is in a SavedModel directory, an image shard or a perturbations.parquet",
		Args:  exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
			info, err := os.Stat(args[0])
			if err != nil {
				return fmt.Errorf("inspect: %w", err)
			}
			switch {
			case info.IsDir():
				if err := on.into(&o, args[0]); err != nil {
					return err
				}
				if err := inspectModel(c.OutOrStdout(), args[0], o); err != nil || on.data == "" {
					return err
				}
				return inspectAnswers(c.Context(), c.OutOrStdout(), args[0], o, on)
			case filepath.Base(args[0]) == results.PerturbationsFile:
				return inspectPerturbations(c.OutOrStdout(), args[0])
			}
			if err := graphdef.Foreign(args[0]); err != nil {
				return err
			}
			return inspectShards(c.OutOrStdout(), args[0])
		},
	}
	f := c.Flags()
	f.StringVar(&o.Signature, "signature", "", "the SavedModel's signature (default: the only one, or serving_default)")
	f.StringVar(&o.Input, "input", "", "the signature's input (default: the only one)")
	f.StringVar(&o.Output, "output", "", "the signature's output (default: the only one)")
	f.StringVar(&o.Head, "head", "", "what the output is: auto, logits, softmax, log_softmax, sigmoid or binary")
	f.StringVar(&o.Layout, "layout", "", "layout of the input: NHWC or NCHW")
	f.BoolVar(&o.IgnoreCustomGradients, "ignore-custom-gradients", false, "differentiate the ops where Python gives them a gradient of their own")
	on.add(f, &o)
	return described(c, `
Show what is in a SavedModel directory, an image shard or a perturbations.parquet.

Of a SavedModel: its hash, signatures, ops, what can be differentiated and what is refused. The flags say what the
configuration's input and output would say. With --data also how right it is on images, and what helps if it is not.`, `
upi inspect savedmodels/mnist_cnn
upi inspect savedmodels/mnist_cnn --data 'data/mnist/test-*.parquet'
upi inspect 'data/mnist/test-*.parquet'
upi inspect runs/quickstart/perturbations.parquet`, exitCodes{pipeline.ExitFailed: "it cannot be read, or it is a model that cannot be attacked"})
}

// inspectModel shows a SavedModel. A model that cannot be attacked is an error, after everything that can be said of it.
func inspectModel(out io.Writer, dir string, o savedmodels.Options) error {
	i, err := savedmodels.Inspect(dir, o)
	if err != nil {
		return err
	}
	// The hash by which a run's manifest knows the model.
	sum, err := content.NewHasher("").Sum(dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "SavedModel %s\nhash %s\n", i.Dir, sum.Hash)
	for _, s := range i.Signatures {
		fmt.Fprintf(out, "signature %s\n", s.Name)
		showArguments(out, "input", s.Inputs)
		showArguments(out, "output", s.Outputs)
	}
	for _, r := range i.Refused {
		fmt.Fprintf(out, "refused: %s\n", (&graphdef.RefusedError{Refusal: r}).Error())
	}
	if i.Problem != nil {
		return i.Problem
	}
	fmt.Fprintf(out, "reads %s, images of %d x %d x %d, batch %s\n", i.Signature, i.ImageShape[0], i.ImageShape[1], i.ImageShape[2], open(i.Batch))
	fmt.Fprintf(out, "%d classes, ends in %s, %d parameters in %d variables\n", i.Classes, i.Head, i.Parameters, i.Variables)
	var ops []string
	for _, name := range slices.Sorted(maps.Keys(i.Ops)) {
		ops = append(ops, fmt.Sprintf("%s %d", name, i.Ops[name]))
	}
	fmt.Fprintf(out, "ops: %s\n", strings.Join(ops, ", "))
	if i.Layer != nil {
		fmt.Fprintf(out, "layer of the last convolution, for grad_cam: %s\n", i.Layer)
	}
	fmt.Fprintln(out, "what can be differentiated:")
	for _, line := range engine.Differentiable(dir, o) {
		fmt.Fprintf(out, "  %s\n", line)
	}
	return nil
}

func showArguments(out io.Writer, what string, arguments []graphdef.Argument) {
	for _, a := range arguments {
		fmt.Fprintf(out, "  %s %s: %s%s\n", what, a.Name, graphdef.TypeName(a.DType), graphdef.ShapeString(a.Shape))
	}
}

func open(batch int) string {
	if batch < 0 {
		return "open"
	}
	return fmt.Sprint(batch)
}

func inspectShards(out io.Writer, path string) error {
	d, err := data.Open(path, 0)
	if err != nil {
		return err
	}
	shape := d.Shape()
	fmt.Fprintf(out, "image shard %s\n%d images of %d x %d x %d\n", path, d.Len(), shape[0], shape[1], shape[2])
	if names := d.ClassNames(); names != nil {
		fmt.Fprintf(out, "%d classes: %s\n", len(names), strings.Join(names, ", "))
	}
	return nil
}

func inspectPerturbations(out io.Writer, path string) error {
	rows, err := table.ReadAll[results.Perturbation](path)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d perturbations\n", len(rows))
	for _, p := range rows {
		sign := fmt.Sprintf("%+d", p.Sign)
		if p.Sign == 0 {
			sign = "not decided"
		}
		fmt.Fprintf(out, "%s: %s on %s, %s, %s %g, seed %d, sign %s, shape %v\n", p.ID, p.Kind, p.Model, p.Explanation, p.Norm, p.Eps, p.Seed,
			sign, p.Shape)
	}
	return nil
}
