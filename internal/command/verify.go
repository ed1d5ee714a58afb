package command

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"upi/pipeline"
	"upi/pipeline/cache"
)

func verifyCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:               "verify RUN",
		Short:             "Hash everything again that a run has read and written",
		Args:              exactly(1),
		ValidArgsFunction: runs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := there(args[0]); err != nil {
				return err
			}
			if dir == "" {
				var err error
				if dir, err = cacheOf(args[0]); err != nil {
					return err
				}
			}
			store, err := cache.Open(dir)
			if err != nil {
				return err
			}
			wrong, err := pipeline.Verify(args[0], store)
			if err != nil {
				return err
			}
			for _, w := range wrong {
				fmt.Fprintln(c.OutOrStdout(), w)
			}
			if len(wrong) > 0 {
				return fmt.Errorf("verify %s: %d things are not as they were", args[0], len(wrong))
			}
			fmt.Fprintln(c.OutOrStdout(), "everything is as it was written")
			return nil
		},
	}
	c.Flags().StringVar(&dir, "cache", "", "the run's cache (default: the one that its configuration names)")
	return described(c, `
Hash everything again that a run has read and written: inputs, artefacts in the cache, results. Each thing that is not as
it was is a line.`, `
upi verify runs/quickstart`, exitCodes{
		pipeline.ExitDone:   "everything is as it was written",
		pipeline.ExitFailed: "something is not as it was, or cannot be read",
	})
}

// cacheOf returns the cache that a run's configuration names.
func cacheOf(run string) (string, error) {
	m, err := pipeline.ReadManifest(run)
	if err != nil {
		return "", err
	}
	var settings struct{ Cache string }
	if err := json.Unmarshal(m.Config, &settings); err != nil {
		return "", fmt.Errorf("read the configuration in the manifest of %s: %w", run, err)
	}
	return settings.Cache, nil
}
