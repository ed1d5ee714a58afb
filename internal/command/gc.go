package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

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
			store, err := cache.Open(dir)
			if err != nil {
				return err
			}
			got, err := store.GC(c.Context(), policy)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "removed %d (%s), kept %d (%s), of which runs need %d (%s)\n", got.Removed, size(got.RemovedBytes),
				got.Kept, size(got.KeptBytes), got.Needed, size(got.NeededBytes))
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
upi gc --max-age 336h --max-size 50GiB`, nil)
}
