package command

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/config"
)

func gcCommand() *cobra.Command {
	var dir, most string
	var policy cache.Policy
	c := &cobra.Command{
		Use:               "gc",
		Short:             "Free the cache by age and size; what a run still needs stays",
		Args:              exactly(0),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			if most != "" {
				var bytes config.Bytes
				if err := bytes.UnmarshalText([]byte(most)); err != nil {
					return &usageError{fmt.Errorf("--max-size %s: %w", most, err)}
				}
				policy.MaxBytes = int64(bytes)
			}
			store, err := cache.Existing(dir)
			if err != nil {
				return pipeline.Named(err)
			}
			got, err := store.GC(c.Context(), policy)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "removed %d (%s), kept %d (%s), of which runs need %d (%s)\n", got.Removed, size(got.RemovedBytes),
				got.Kept, size(got.KeptBytes), got.Needed, size(got.NeededBytes))
			if policy.MaxBytes > 0 && got.KeptBytes > policy.MaxBytes {
				return tooLarge(got, policy.MaxBytes)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&dir, "cache", ".upi-cache", "the cache")
	f.DurationVar(&policy.MaxAge, "max-age", 30*24*time.Hour, "remove what was not used for so long; 0 is no limit")
	f.StringVar(&most, "max-size", "", "remove the longest unused until the cache is no larger, as in 20GiB")
	f.BoolVar(&policy.All, "all", false, "remove everything that no run needs")
	f.BoolVar(&policy.DryRun, "dry-run", false, "remove nothing, say what would be")
	return described(c, `
Free the cache: remove artefacts that were not used for long, then the longest unused until the cache is small enough.
What a run still needs stays, so this may be done at any time.`, `
upi gc --dry-run
upi gc --max-age 336h --max-size 50GiB`, exitCodes{
		pipeline.ExitFailed: "failed, or the cache is still larger than --max-size: the last lines say what holds it",
		pipeline.ExitUsage:  "the command line is wrong, or there is no such cache",
	})
}

// tooLarge says what keeps the cache from being as small as asked for.
func tooLarge(got cache.Collected, most int64) error {
	const shown = 10
	var lines []string
	for i, h := range got.Holders {
		if h.Bytes == 0 {
			break
		}
		if i == shown {
			lines = append(lines, fmt.Sprintf("and %d runs more", len(got.Holders)-shown))
			break
		}
		line := fmt.Sprintf("%s needs %s, of which no other run does %s", h.Dir, size(h.Bytes), size(h.Alone))
		if h.Live {
			line += " (it goes on)"
		}
		lines = append(lines, line)
	}
	if held := got.KeptBytes - got.NeededBytes; held > 0 {
		lines = append(lines, fmt.Sprintf("tasks that are worked on hold %s", size(held)))
	}
	return fmt.Errorf("the cache holds %s, more than %s; what a run needs stays until its directory is removed:\n  %s",
		size(got.KeptBytes), size(most), strings.Join(lines, "\n  "))
}
