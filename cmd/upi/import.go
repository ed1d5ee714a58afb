package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"upi/data/imports"
	"upi/pipeline/progress"
)

func importCommand() *cobra.Command {
	var from string
	var o imports.Options
	c := &cobra.Command{
		Use:   "import SOURCE DST",
		Short: "Make image shards of " + strings.Join(imports.Kinds(), ", "),
		Args:  exactly(2),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			if len(args) == 0 {
				return imports.Kinds(), cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(c *cobra.Command, args []string) error {
			report, _ := progress.New(os.Stderr, "import "+args[0])
			shown := &importProgress{report: report}
			defer shown.end()
			if err := imports.Import(c.Context(), args[0], from, args[1], o, shown.advance); err != nil {
				return err
			}
			shown.end()
			fmt.Fprintln(c.OutOrStdout(), args[1])
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&from, "from", "", "folder or archive that holds the original files (for parquet: a pattern); mnist and cifar10 are fetched without it")
	f.StringSliceVar(&o.Splits, "splits", nil, "splits to write, as in train,fit,test (default: all)")
	f.Int64Var(&o.Limit, "limit", 0, "keep the first so many images of each original set (default: all)")
	f.Int64Var(&o.ShardRows, "shard-rows", 0, "images in a shard (default 2500)")
	f.IntVar(&o.Size, "size", 0, "cut pictures to SIZE x SIZE (default: as they are)")
	f.IntVar(&o.Resize, "resize", 0, "scale the shorter side to so many pixels before the cut (default: SIZE)")
	f.IntVar(&o.Channels, "channels", 0, "3 for RGB, 1 for grey (default: what the format has)")
	return described(c, `
Make image shards (Parquet, Hugging Face's convention) of a data set in another format, and write them to the folder DST.

SOURCE is one of `+strings.Join(imports.Kinds(), ", ")+`.
A configuration then names the shards, as in DST/test-*.parquet.`, `
upi import mnist data/mnist
upi import image-folder my_shards --from my_images --size 224`, nil)
}

// importProgress shows each split as a task.
type importProgress struct {
	report progress.Reporter
	split  string
	total  int64
	begun  bool
}

func (p *importProgress) advance(split string, done, total int64) {
	task := progress.Task{Stage: "import", Label: split}
	if !p.begun {
		p.report.Begin([]progress.Stage{{Name: "import", Tasks: 1}})
		p.begun = true
	}
	if split != p.split {
		p.finish()
		p.split, p.total = split, total
		p.report.Start(task)
	}
	p.report.Advance(task, done, total)
}

func (p *importProgress) finish() {
	if p.split != "" {
		p.report.Finish(progress.Task{Stage: "import", Label: p.split}, progress.Outcome{Status: progress.Done, Images: p.total})
		p.split = ""
	}
}

func (p *importProgress) end() {
	if p.begun {
		p.finish()
		p.report.End()
		p.begun = false
	}
}
