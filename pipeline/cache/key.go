// Package cache stores artefacts: what a task has written, under the key of the
// task. An artefact is an immutable directory
//
//	<cache>/<stage>/<first two digits>/<key>/
//
// in which artefact.json is written last. It appears by a rename, so that
// whatever stands under a key is complete. Processes may share a cache.
package cache

import (
	"encoding/hex"
	"fmt"
	"regexp"
)

// Key is the SHA-256, in hexadecimal, of everything that a task's result
// depends on.
type Key string

// Short is for people's eyes.
func (k Key) Short() string { return string(k[:min(len(k), 12)]) }

// stageName is the form of a stage's name, which is a directory of the cache.
var stageName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

// reserved are directories of the cache that no stage may be named after.
var reserved = map[string]bool{"tmp": true, "partial": true, "locks": true, "runs": true, "hashes": true, "jobs": true}

// CheckStage returns an error unless name can be a stage's.
func CheckStage(name string) error {
	if !stageName.MatchString(name) || reserved[name] {
		return fmt.Errorf("stage name %q: want lower-case letters, digits and _, none of the cache's own directories", name)
	}
	return nil
}

func check(stage string, key Key) error {
	if err := CheckStage(stage); err != nil {
		return err
	}
	if b, err := hex.DecodeString(string(key)); err != nil || len(b) != 32 {
		return fmt.Errorf("key %q of stage %s is not a SHA-256", key, stage)
	}
	return nil
}
