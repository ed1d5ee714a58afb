package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"upi/pipeline"
	"upi/pipeline/cache"
	"upi/pipeline/config"
	"upi/report"
)

func verifyCommand() *cobra.Command {
	var dir string
	c := &cobra.Command{
		Use:   "verify RUN",
		Short: "Hash everything again that a run has read and written",
		Args:  exactly(1),
		RunE: func(c *cobra.Command, args []string) error {
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
	return c
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

func gcCommand() *cobra.Command {
	var dir, most string
	var policy cache.Policy
	c := &cobra.Command{
		Use:   "gc",
		Short: "Free the cache by age and size; what a run still needs stays",
		Args:  exactly(0),
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
	return c
}

func diffCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "diff RUN_A RUN_B",
		Short: "Tell which inputs, settings and cells differ between two runs",
		Args:  exactly(2),
		RunE: func(c *cobra.Command, args []string) error {
			var manifests [2]*pipeline.Manifest
			for i, dir := range args {
				m, err := pipeline.ReadManifest(dir)
				if err != nil {
					return err
				}
				manifests[i] = m
			}
			d := pipeline.Diff(manifests[0], manifests[1])
			for _, part := range []struct {
				name    string
				changes []pipeline.Change
			}{{"setting", d.Settings}, {"version", d.Versions}, {"input", d.Inputs}, {"stage", d.Stages}} {
				for _, change := range part.changes {
					fmt.Fprintf(c.OutOrStdout(), "%s %s\n", part.name, change)
				}
			}
			cells, err := report.Compare(c.OutOrStdout(), args[0], args[1])
			if err != nil {
				return err
			}
			if d.Empty() && cells == 0 {
				fmt.Fprintln(c.OutOrStdout(), "nothing differs")
			}
			return nil
		},
	}
}
