package command

import (
	"fmt"
	"path/filepath"
	"strconv"

	"upi/compare"
	"upi/data/table"
	"upi/pipeline"
	"upi/results"
)

// gate holds the results of a run against what its configuration expects.
func (j *job) gate(r *pipeline.Run, m *pipeline.Manifest) error {
	if len(j.config.Expect) == 0 {
		return nil
	}
	outcomes, err := compare.Expect(r.Dir(), j.config.Expect)
	if err != nil {
		return fmt.Errorf("look at what is expected: %w", err)
	}
	return r.Expect(m, outcomes)
}

// scoreFamilies are the means of a run's tables, and the accuracy of its models, for whoever watches them night after night.
func scoreFamilies(dir string) ([]pipeline.Family, error) {
	cells, err := compare.Numbers(dir)
	if err != nil {
		return nil, fmt.Errorf("read numbers for the metrics: %w", err)
	}
	mean := pipeline.Family{Name: "upi_score_mean", Help: "Mean of a metric over the images of the evaluation set."}
	stdError := pipeline.Family{Name: "upi_score_std_error", Help: "Standard error of that mean over the images."}
	images := pipeline.Family{Name: "upi_score_images", Help: "Number of images in that mean."}
	for _, c := range cells {
		labels := []string{"attack", c.Method, "source", c.Source, "target", c.Target, "explanation", c.Explanation, "norm", c.Norm,
			"eps", strconv.FormatFloat(c.Eps, 'g', -1, 64), "metric", c.Metric}
		if c.Mean.Mean != nil {
			mean.Samples = append(mean.Samples, pipeline.Sample{Value: *c.Mean.Mean, Labels: labels})
		}
		if c.StdError != nil {
			stdError.Samples = append(stdError.Samples, pipeline.Sample{Value: *c.StdError, Labels: labels})
		}
		images.Samples = append(images.Samples, pipeline.Sample{Value: float64(c.Images), Labels: labels})
	}
	accuracy := pipeline.Family{Name: "upi_model_accuracy", Help: "Share of the clean images of a split whose label the model answers."}
	models, err := table.ReadAll[results.Model](filepath.Join(dir, results.TablesDir, results.ModelsTable+".parquet"))
	if err != nil {
		return nil, fmt.Errorf("read numbers for the metrics: %w", err)
	}
	for _, m := range models {
		if m.Accuracy != nil {
			accuracy.Samples = append(accuracy.Samples, pipeline.Sample{Value: *m.Accuracy,
				Labels: []string{"model", m.Model, "split", m.Split, "explanation", m.Explanation}})
		}
	}
	return []pipeline.Family{mean, stdError, images, accuracy}, nil
}
