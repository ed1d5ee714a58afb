package pipeline

import (
	"fmt"
	"os"
)

// Learn returns what find finds out about an input, and remembers it from one run to the next, so that what takes long to open need not
// be opened for a plan. The value survives JSON and depends on nothing but the input's content, about, the plan's environment and this
// program. Errors are not remembered.
func Learn[T any](p *Plan, in Input, about any, find func() (T, error)) (T, error) {
	var value T
	key, err := p.learning(in, about)
	if err != nil {
		return value, err
	}
	if key != "" && p.hasher.Noted(key, &value) {
		return value, nil
	}
	if value, err = find(); err == nil && key != "" {
		p.hasher.Note(in.file.Path, key, value)
	}
	return value, err
}

// learning is the key of what is to be learnt, empty where it is not known which program this is.
func (p *Plan) learning(in Input, about any) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil
	}
	program, err := p.hasher.Sum(self)
	if err != nil {
		return "", nil
	}
	text, err := canonical([]any{program.Hash, p.environment, in.file.Hash, fmt.Sprintf("%T", about), about})
	if err != nil {
		return "", fmt.Errorf("encode what is asked about %s: %w", in.file.Path, err)
	}
	return string(text), nil
}
