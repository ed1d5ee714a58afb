// Package graphdef reads saved_model.pb as plain protocol buffers, checks every op that it could run against an allow-list,
// and inlines a signature into one flat inference graph. Nothing of the model runs here, and TensorFlow is not linked in.
package graphdef

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wamuir/graft/tensorflow/core/framework/function_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/graph_go_proto"
	"github.com/wamuir/graft/tensorflow/core/framework/op_def_go_proto"
	"github.com/wamuir/graft/tensorflow/core/protobuf/for_core_protos_go_proto"
	"google.golang.org/protobuf/proto"
)

const (
	// FileName is the file of a SavedModel directory that holds the graph.
	FileName = "saved_model.pb"
	// ServeTag marks the meta graph meant for inference.
	ServeTag = "serve"

	maxFileBytes = 1 << 30
	// protobuf's C++ reader stops at the same depth, so no readable model is lost.
	maxMessageDepth = 100
)

// SavedModel is the serving meta graph of a saved_model.pb.
type SavedModel struct {
	file      string
	signature map[string]*for_core_protos_go_proto.SignatureDef
	saver     string // name of the restore op
	objects   *for_core_protos_go_proto.SavedObjectGraph
	graph     *graph_go_proto.GraphDef
	functions map[string]*function_go_proto.FunctionDef
	ops       map[string]*op_def_go_proto.OpDef
	main      *body
	bodies    map[string]*body
}

// Read reads dir/saved_model.pb. Errors name the file: not there, too large, truncated or not a SavedModel, no meta graph
// tagged "serve", a name defined twice.
func Read(dir string) (*SavedModel, error) {
	path := filepath.Join(dir, FileName)
	f, err := os.Open(path)
	if err != nil {
		if info, statErr := os.Stat(filepath.Join(dir, "saved_model.pbtxt")); statErr == nil && info.Mode().IsRegular() {
			return nil, fmt.Errorf("read SavedModel %s: it is stored as text (saved_model.pbtxt); save it again in the binary form", dir)
		}
		return nil, fmt.Errorf("read SavedModel: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, fmt.Errorf("read SavedModel: %w", err)
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read SavedModel %s: not a regular file", path)
	}
	// The size on disk may change between a stat and the read, so the read itself is bounded.
	content, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read SavedModel %s: %w", path, err)
	}
	if len(content) > maxFileBytes {
		return nil, fmt.Errorf("read SavedModel %s: larger than %d bytes", path, maxFileBytes)
	}
	m, err := Parse(content)
	if err != nil {
		return nil, fmt.Errorf("read SavedModel %s: %w", path, err)
	}
	m.file = path
	return m, nil
}

// Parse reads the content of a saved_model.pb.
func Parse(content []byte) (*SavedModel, error) {
	var saved for_core_protos_go_proto.SavedModel
	if err := (proto.UnmarshalOptions{RecursionLimit: maxMessageDepth}).Unmarshal(content, &saved); err != nil {
		return nil, fmt.Errorf("truncated, corrupt or not a SavedModel: %w", err)
	}
	var tags []string
	for _, meta := range saved.GetMetaGraphs() {
		if slices.Contains(meta.GetMetaInfoDef().GetTags(), ServeTag) {
			return newSavedModel(meta)
		}
		tags = append(tags, fmt.Sprint(meta.GetMetaInfoDef().GetTags()))
	}
	return nil, fmt.Errorf("no meta graph with the tag %q (found: %s)", ServeTag, orNone(tags))
}

func newSavedModel(meta *for_core_protos_go_proto.MetaGraphDef) (*SavedModel, error) {
	m := &SavedModel{
		file:      FileName,
		signature: meta.GetSignatureDef(),
		saver:     meta.GetSaverDef().GetRestoreOpName(),
		objects:   meta.GetObjectGraphDef(),
		graph:     meta.GetGraphDef(),
		functions: map[string]*function_go_proto.FunctionDef{},
		ops:       map[string]*op_def_go_proto.OpDef{},
		bodies:    map[string]*body{},
	}
	for _, op := range meta.GetMetaInfoDef().GetStrippedOpList().GetOp() {
		m.ops[op.GetName()] = op
	}
	nodes := len(m.graph.GetNode())
	for _, f := range m.graph.GetLibrary().GetFunction() {
		name := f.GetSignature().GetName()
		if m.functions[name] != nil {
			return nil, fmt.Errorf("function %q is defined twice", name)
		}
		m.functions[name] = f
		nodes += len(f.GetNodeDef())
	}
	if nodes > maxNodes {
		return nil, fmt.Errorf("%d nodes: more than %d", nodes, maxNodes)
	}
	main, err := newMainBody(m.graph)
	if err != nil {
		return nil, err
	}
	m.main = main
	return m, nil
}

// orNone joins names for an error message.
func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}
