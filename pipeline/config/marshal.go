package config

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Marshal writes the configuration as YAML that [Load] reads back to the same.
func (c *Config) Marshal() ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(c); err != nil {
		return nil, fmt.Errorf("encode the configuration: %w", err)
	}
	if err := e.Close(); err != nil {
		return nil, fmt.Errorf("encode the configuration: %w", err)
	}
	return b.Bytes(), nil
}

// MarshalJSON writes the same keys and values as [Config.Marshal].
func (c *Config) MarshalJSON() ([]byte, error) {
	text, err := c.Marshal()
	if err != nil {
		return nil, err
	}
	return SettingsOf(text)
}

// MarshalYAML puts name and kind before the settings, in one mapping.
func (it Item) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, part := range []any{
		struct {
			Name string `yaml:"name"`
			Kind string `yaml:"kind"`
		}{it.Name, it.Kind},
		it.Settings,
	} {
		var n yaml.Node
		if err := n.Encode(part); err != nil {
			return nil, fmt.Errorf("encode %s: %w", it.Name, err)
		}
		if n.Kind == yaml.MappingNode {
			node.Content = append(node.Content, n.Content...)
		}
	}
	return node, nil
}
