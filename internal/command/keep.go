package command

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"upi/pipeline"
	"upi/pipeline/cache"
)

// keepOther keeps the results of another configuration that stand where a run's are to be, or has them replaced, and says so.
func keepOther(ctx context.Context, r *pipeline.Run, store *cache.Store, d pipeline.Description, replace bool, log *slog.Logger) error {
	other, err := r.Keep(ctx, store, d, replace)
	if other == nil || err != nil {
		return err
	}
	if other.Kept == "" {
		log.Warn("the results of another configuration are replaced", "directory", r.Dir(), "differs", other.Why())
		return nil
	}
	log.Warn("the results that were here are of another configuration and are kept", "directory", r.Dir(), "kept", other.Kept, "differs", other.Why())
	return nil
}

// tellOther says what a run would do with results of another configuration.
func tellOther(w io.Writer, j *job) error {
	dir := filepath.Join(j.config.Output, j.config.Name)
	other, err := pipeline.Differs(dir, j.config)
	if other == nil || err != nil {
		return err
	}
	kept, err := pipeline.NextName(dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s holds the results of another configuration (%s), which a run keeps as %s (--replace: does not)\n\n", dir, other.Why(), kept)
	return err
}
