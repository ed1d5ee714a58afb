package stages

import (
	"encoding/json"
	"fmt"

	"upi/attack"
	"upi/savedmodels"
	"upi/savedmodels/saliency"
)

// A modelSpec is how a SavedModel is called. Where the model lies is not part of it.
type modelSpec savedmodels.Options

// An itemSpec is an explanation or an attack: its kind and settings.
type itemSpec struct {
	Kind     string          `json:"kind"`
	Settings json.RawMessage `json:"settings"`
}

func newItemSpec(kind string, settings any) (itemSpec, error) {
	encoded, err := json.Marshal(settings)
	if err != nil {
		return itemSpec{}, fmt.Errorf("encode settings of %s: %w", kind, err)
	}
	return itemSpec{kind, encoded}, nil
}

func (s itemSpec) explanation() (saliency.Explanation, error) {
	return decode(s, "explanation", saliency.Kinds[s.Kind])
}

func (s itemSpec) attack() (attack.Attack, error) {
	return decode(s, "attack", attack.Kinds[s.Kind].New)
}

// decode returns what build makes, nil where there is no such kind, with the settings of the item.
func decode[T any](s itemSpec, what string, build func() T) (T, error) {
	if build == nil {
		var none T
		return none, fmt.Errorf("%s of unknown kind %q", what, s.Kind)
	}
	settings := build()
	if err := json.Unmarshal(s.Settings, settings); err != nil {
		return settings, fmt.Errorf("decode settings of %s %s: %w", what, s.Kind, err)
	}
	return settings, nil
}

// A sourceSpec is a model seen through an explanation, as part of a task.
type sourceSpec struct {
	Model       modelSpec         `json:"model"`
	Explanation itemSpec          `json:"explanation"`
	Surrogate   *attack.Surrogate `json:"surrogate,omitempty"`
}

// at returns the source with the model in dir.
func (s sourceSpec) at(dir string) source {
	from := source{dir: dir, model: s.Model, explanation: s.Explanation}
	if s.Surrogate != nil {
		from.surrogate = &savedmodels.Softplus{Beta: s.Surrogate.Beta}
	}
	return from
}

// Roles of a task's parents and files.
const (
	roleShard     = "shard"
	roleModel     = "model"
	roleImages    = "images"
	roleReference = "reference"
	roleGradients = "gradients"
	roleDirection = "direction"
	roleDelta     = "delta"
	roleSign      = "sign"
	roleScores    = "scores"
	roleExamples  = "examples"
)
