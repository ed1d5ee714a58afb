package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// incidental are the keys that say where and how a run works and what is made of its results, and change no number of them.
var incidental = []string{"name", "output", "cache", "memory", "workers", "keep_gradients", "expect", "labels", "report"}

// Identity returns of a configuration, as JSON, what its results depend on: everything but its name, the directories, the memory and
// the workers, the conditions that are expected of the results, and how they are shown. Keys are sorted, so equal configurations have
// equal bytes. A key that an earlier version did not know has its default.
func Identity(settings json.RawMessage) (json.RawMessage, error) {
	var all map[string]any
	if err := json.Unmarshal(settings, &all); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	text, err := Default().MarshalJSON()
	if err != nil {
		return nil, err
	}
	var defaults map[string]any
	if err := json.Unmarshal(text, &defaults); err != nil {
		return nil, fmt.Errorf("read defaults: %w", err)
	}
	complete(all, defaults)
	for _, key := range incidental {
		delete(all, key)
	}
	return json.Marshal(all)
}

// complete adds what is not there, in mappings too.
func complete(settings, defaults map[string]any) {
	for key, value := range defaults {
		given, there := settings[key]
		if !there {
			settings[key] = value
			continue
		}
		below, isMap := given.(map[string]any)
		if of, ok := value.(map[string]any); ok && isMap {
			complete(below, of)
		}
	}
}

// Hash is the first 12 hexadecimal digits of the SHA-256 of a configuration's [Identity]: runs of one hash were asked for the same.
func Hash(settings json.RawMessage) (string, error) {
	identity, err := Identity(settings)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(identity)
	return hex.EncodeToString(sum[:6]), nil
}

// SettingsOf returns the JSON of a configuration that [Config.Marshal] has written as YAML.
func SettingsOf(text []byte) (json.RawMessage, error) {
	var value map[string]any
	if err := yaml.Unmarshal(text, &value); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return json.Marshal(value)
}
