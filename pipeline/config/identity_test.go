package config

import (
	"encoding/json"
	"testing"
)

// TestIdentity: what changes no number does not count, nor does a key that an earlier version did not know.
func TestIdentity(t *testing.T) {
	hash := func(text string) string {
		h, err := Hash(json.RawMessage(text))
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	base := hash(`{"name": "a", "seeds": [1], "evaluation": {"metrics": ["cosine"]}}`)
	for text, same := range map[string]bool{
		`{"name": "b", "output": "o", "cache": "c", "memory": 5, "workers": 3, "expect": [{"metric": "x"}], "labels": {"a": "A"},
		  "keep_gradients": true, "seeds": [1], "evaluation": {"metrics": ["cosine"]}}`: true,
		`{"seeds": [1], "device": "auto", "deterministic": false, "evaluation": {"metrics": ["cosine"], "clip": "none", "bootstrap": 1000}}`: true,
		`{"seeds": [2], "evaluation": {"metrics": ["cosine"]}}`:                                                                              false,
		`{"seeds": [1], "evaluation": {"metrics": ["cosine"], "bootstrap": 100}}`:                                                            false,
		`{"seeds": [1], "deterministic": true, "evaluation": {"metrics": ["cosine"]}}`:                                                       false,
		`{"seeds": [1], "evaluation": {"metrics": ["cosine"]}, "models": [{"name": 1}]}`:                                                     false,
	} {
		if got := hash(text) == base; got != same {
			t.Errorf("%s: the same configuration: %v, want %v", text, got, same)
		}
	}
	if len(base) != 12 {
		t.Errorf("hash %q", base)
	}
	if _, err := Hash(json.RawMessage("{")); err == nil {
		t.Error("no JSON has a hash")
	}
}
