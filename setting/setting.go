// Package setting names what is wrong with one setting of a configuration.
package setting

import "fmt"

// An Error is a setting with an impossible value.
type Error struct {
	// Key is the setting's path, relative to what is validated.
	Key string
	// Value is what was given.
	Value any
	// Want says what is allowed.
	Want string
}

// Error writes the key, the value and what is allowed.
func (e *Error) Error() string { return fmt.Sprintf("%s = %v: %s", e.Key, e.Value, e.Want) }

// Check returns an Error if the setting is not ok, and nothing otherwise.
func Check(ok bool, key string, value any, want string) []error {
	if ok {
		return nil
	}
	return []error{&Error{key, value, want}}
}
