package setting

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// An Item is an explanation or an attack as a plain value: its kind and its settings as JSON.
type Item struct {
	Kind     string          `json:"kind"`
	Settings json.RawMessage `json:"settings"`
}

// NewItem encodes settings.
func NewItem(kind string, settings any) (Item, error) {
	encoded, err := json.Marshal(settings)
	if err != nil {
		return Item{}, fmt.Errorf("encode settings of %s: %w", kind, err)
	}
	return Item{kind, encoded}, nil
}

// Decode reads the settings into what into points to. A key that it does not have is an error.
func (i Item) Decode(into any) error {
	d := json.NewDecoder(bytes.NewReader(i.Settings))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("decode settings of %s: %w", i.Kind, err)
	}
	return nil
}
