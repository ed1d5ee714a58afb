package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

const (
	// maxFile bounds a file that is surely no configuration.
	maxFile = 1 << 20
	// maxChain bounds the extends chain.
	maxChain = 16
	// delimiter keeps viper from splitting a key at its dots.
	delimiter = "\x00"
)

// noValue is the problem of a null.
const noValue = "no value: give one or remove the key"

// readChain reads path and what it extends, the outermost parent first; whole
// is false if one of the files could not be read.
func readChain(path string) (layers []*tree, problems []Problem, whole bool) {
	var (
		chain []string
		infos []os.FileInfo
		from  Problem // the extends key that led here
	)
	for {
		fail := func(message string) ([]*tree, []Problem, bool) {
			p := from
			p.Message = message
			if p.Source == "" {
				p.Source = path
			}
			return layers, append(problems, p), false
		}
		info, err := os.Stat(path)
		if err != nil {
			return fail(explainPath(err))
		}
		chain = append(chain, path)
		for _, seen := range infos {
			if os.SameFile(seen, info) {
				return fail("files extend each other: " + strings.Join(chain, " -> "))
			}
		}
		infos = append(infos, info)
		if len(chain) > maxChain {
			return fail(fmt.Sprintf("more than %d files extend each other", maxChain))
		}
		layer, found, err := readFile(path)
		if err != nil {
			return fail(err.Error())
		}
		problems = append(problems, found...)
		extends, given := layer.root["extends"]
		delete(layer.root, "extends")
		layers = append([]*tree{layer}, layers...)
		if !given {
			return layers, problems, true
		}
		from = layer.problem("extends", extends, "")
		next, ok := extends.(string)
		if !ok || next == "" {
			return fail("want the path of one file, relative to this file")
		}
		if !filepath.IsAbs(next) {
			next = filepath.Join(filepath.Dir(path), next)
		}
		path = next
	}
}

func explainPath(err error) string {
	if errors.Is(err, os.ErrNotExist) {
		var p *os.PathError
		if errors.As(err, &p) {
			return fmt.Sprintf("there is no file %s", p.Path)
		}
	}
	return err.Error()
}

// readFile reads one file into a layer. The error says why nothing could be
// read; the problems are those that later layers must not hide.
func readFile(path string) (*tree, []Problem, error) {
	text, err := slurp(path)
	if err != nil {
		return nil, nil, err
	}
	documents := yaml.NewDecoder(bytes.NewReader(text))
	var node, more yaml.Node
	switch err := documents.Decode(&node); {
	case errors.Is(err, io.EOF):
		return nil, nil, errors.New("the file is empty")
	case err != nil:
		return nil, nil, notYAML(err)
	case node.Content[0].Kind != yaml.MappingNode:
		return nil, nil, errors.New("want a mapping of keys to values")
	}
	if err := documents.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("the file holds more than one YAML document")
	}
	v := viper.NewWithOptions(viper.KeyDelimiter(delimiter))
	v.SetConfigType("yaml")
	if err := v.ReadConfig(bytes.NewReader(text)); err != nil {
		var parse viper.ConfigParseError
		if errors.As(err, &parse) {
			err = parse.Unwrap()
		}
		return nil, nil, notYAML(err)
	}
	layer := &tree{root: v.AllSettings(), positions: map[string]position{}}
	w := walker{source: path, layer: layer}
	w.walk("", node.Content[0])
	return layer, w.problems, nil
}

func notYAML(err error) error {
	return fmt.Errorf("not YAML: %s", strings.ReplaceAll(err.Error(), "\n", " "))
}

func slurp(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxFile:
		return nil, fmt.Errorf("larger than %d bytes, which no configuration is", maxFile)
	}
	return text, nil
}

// walker notes the position of every value, and what viper would drop silently.
type walker struct {
	source   string
	layer    *tree
	problems []Problem
}

func (w *walker) walk(path string, node *yaml.Node) {
	if path != "" {
		w.layer.positions[path] = position{w.source, node.Line}
	}
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	switch {
	case node.Kind == yaml.MappingNode:
		w.walkMap(path, node)
	case node.Kind == yaml.SequenceNode:
		for i, child := range node.Content {
			w.walk(fmt.Sprintf("%s[%d]", path, i), child)
		}
	case node.Tag == "!!null" && path != "":
		w.report(path, node.Line, noValue)
	}
}

func (w *walker) walkMap(path string, node *yaml.Node) {
	if len(node.Content) == 0 && path != "" && !strings.Contains(path, "[") {
		w.report(path, node.Line, "an empty mapping: give values or remove the key")
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Tag == "!!merge" {
			continue
		}
		name := strings.ToLower(key.Value)
		if line, twice := seen[name]; twice {
			w.report(join(path, name), key.Line, fmt.Sprintf("given twice, also in line %d (keys are not case-sensitive)", line))
		}
		seen[name] = key.Line
		w.walk(join(path, name), value)
		w.layer.positions[join(path, name)] = position{w.source, key.Line}
	}
}

func (w *walker) report(key string, line int, message string) {
	w.problems = append(w.problems, Problem{Source: w.source, Line: line, Key: key,
		Name: w.layer.itemName(key), Message: message})
}
