package command

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"upi/data"
	"upi/data/imports"
	"upi/data/picture"
	"upi/data/resample"
	"upi/pipeline/progress"
	"upi/savedmodels/runtime"
)

func importCommand() *cobra.Command {
	var from string
	var o imports.Options
	var sizes picture.Choice
	var onAlpha string
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
		RunE: func(c *cobra.Command, args []string) (err error) {
			if o.Pictures.Resize, err = sizes.Resize(); err != nil {
				return &usageError{err}
			}
			if onAlpha != "drop" && onAlpha != "white" {
				return &usageError{fmt.Errorf("--on-alpha is %q, want drop or white", onAlpha)}
			}
			o.Pictures.OnWhite, o.Pictures.JPEG = onAlpha == "white", runtime.DecodeJPEG
			report, log := progress.New(os.Stderr, "import "+args[0], logFormat(c))
			shown := &importProgress{report: report}
			defer shown.end()
			result, err := imports.Import(c.Context(), args[0], from, args[1], o, shown.advance)
			shown.end()
			logImported(log, result, err)
			if err != nil {
				return err
			}
			showImported(c.OutOrStdout(), args[1], result)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&from, "from", "", "folder or archive (zip, tar, tar.gz, tar.bz2) of the original files (for parquet: a pattern); mnist and cifar10 are fetched without it")
	f.StringSliceVar(&o.Splits, "splits", nil, "splits to write, as in train,fit,test (default: all)")
	f.Int64Var(&o.Limit, "limit", 0, "keep so many images of each original set, the first of its order (default: all)")
	f.Int64Var(&o.Seed, "seed", 0, "key of the order in which images are drawn, every class in its proportion")
	f.BoolVar(&o.KeepOrder, "keep-order", false, "leave images in their order; fit and test are the first and the second half of it")
	f.Int64Var(&o.SkipBad, "skip-bad", 0, "go on without up to so many pictures that cannot be read")
	f.StringVar(&o.Columns.Image, "image", "", "column of the pictures (default: image, img or pixels)")
	f.StringVar(&o.Columns.Label, "label", "", "column of the classes, numbers or texts (default: label)")
	f.StringVar(&o.Columns.ID, "id", "", "column of the ids, numbers or texts; none for none (default: id, if there is one)")
	f.StringVar(&o.Columns.FollowPaths, "follow-paths", "", "read pictures that are told by path from below the file's own folder, or from below =FOLDER")
	f.Lookup("follow-paths").NoOptDefVal = data.FollowBeside
	f.Int64Var(&o.ShardRows, "shard-rows", 0, "images in a shard (default 2500)")
	f.IntVar(&sizes.Size, "size", 0, "bring pictures to SIZE x SIZE (default: as they are)")
	f.StringVar(&sizes.Mode, "resize", "", "how: crop (the default), squash or pad")
	f.IntVar(&sizes.Shorter, "shorter", 0, "what the shorter side is scaled to before the crop (default: 256 for 224, else SIZE)")
	f.StringVar(&sizes.Filter, "filter", "", strings.Join(resample.Filters(), ", ")+" (default: "+resample.Bilinear.String()+")")
	f.StringVar(&sizes.Like, "like", "", "bring pictures to SIZE (default 224) as a library does: "+strings.Join(picture.Presets(), ", "))
	f.IntVar(&o.Pictures.Channels, "channels", 0, "3 for RGB, 1 for grey (default: 3; for parquet what the first picture has)")
	f.StringVar(&onAlpha, "on-alpha", "drop", "what becomes of transparency: drop, or white to lay pictures on white")
	f.BoolVar(&o.Pictures.AsStored, "as-stored", false, "leave pictures as they lie in their files, whatever orientation their EXIF data ask for")
	return described(c, `
Make image shards (Parquet, Hugging Face's convention) of a data set in another format, and write them to the folder DST.

SOURCE is one of `+strings.Join(imports.Kinds(), ", ")+`.
A configuration then names the shards, as in DST/test-*.parquet.

The command says what it has made, and what of the source it has left out and why; DST/skipped.csv names each such file or row.
Pictures that cannot be read are all named in one go; --skip-bad N goes on without up to N of them (see docs/importing.md).`, `
upi import mnist data/mnist
upi import image-folder my_shards --from pictures.zip --size 224 --skip-bad 10
upi import parquet my_shards --from 'hub/*.parquet' --image img --label fine_label --id none`, nil)
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
