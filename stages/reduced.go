package stages

import (
	"context"
	"encoding/json"

	"upi/pipeline"
	"upi/savedmodels/engine"
	"upi/savedmodels/runtime"
	"upi/savedmodels/saliency"
)

// checkReduced warns where a network's gradients are float32 although less was asked for, since TensorFlow has found nothing to
// rewrite in its graph. What is computed is right then, and no faster.
func (r *runner) checkReduced(ctx context.Context, job *pipeline.Job, kind engine.Kind[*saliency.Objective], s engine.Source) error {
	if s.Precision == runtime.Float32 {
		return nil
	}
	acts, err := engine.Use(ctx, r.engine, kind, s, (*saliency.Objective).Reduced)
	if err != nil || acts {
		return err
	}
	job.Warn(s.Precision.String()+" changes nothing: TensorFlow computes in float32", 1, s.Dir)
	job.Log.Warn("TensorFlow finds nothing to compute in the precision that was asked for; the gradients are float32",
		"model", s.Dir, "precision", s.Precision.String())
	return nil
}

// Gradients reports of a task, by its stage and spec, whether it computes gradients for an attack, and in which precision.
func Gradients(stage string, spec json.RawMessage) (computes bool, p runtime.Precision) {
	var of struct {
		Sources   []json.RawMessage `json:"sources"`
		Precision runtime.Precision `json:"precision"`
	}
	if err := json.Unmarshal(spec, &of); err != nil {
		return false, p
	}
	switch stage {
	case "gradients", "per_image":
		return true, of.Precision
	case "fit":
		return len(of.Sources) > 0, of.Precision
	}
	return false, p
}
