package table

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/apache/arrow/go/v15/parquet/schema"

	"upi/data/column"
)

// field is one tagged field of a row type.
type field struct {
	name  string
	index int
	kind  kind
	// optional says that a file may lack the column: the field is then left as it is.
	optional bool
}

// kind tells how a Go type is stored.
type kind struct {
	encoders func(f field, o Options) ([]encoder, error)
	decoders func(f field, file *column.File, taken map[string]bool) ([]decoder, error)
}

// kinds has a line for each type that a field can have, with its tag's option.
var kinds = map[string]kind{
	"int64":             scalar(int64Node, func(v reflect.Value) int64 { return v.Int() }, reflect.Value.SetInt),
	"int32":             scalar(int32Node, func(v reflect.Value) int32 { return int32(v.Int()) }, func(v reflect.Value, x int32) { v.SetInt(int64(x)) }),
	"float64":           scalar(float64Node, func(v reflect.Value) float64 { return v.Float() }, reflect.Value.SetFloat),
	"float32":           scalar(float32Node, func(v reflect.Value) float32 { return float32(v.Float()) }, func(v reflect.Value, x float32) { v.SetFloat(float64(x)) }),
	"bool":              scalar(boolNode, func(v reflect.Value) bool { return v.Bool() }, reflect.Value.SetBool),
	"string":            text(),
	"*float64":          nullable(),
	"[]int32":           list[int32](int32Node),
	"[]int64":           list[int64](int64Node),
	"[]float32":         list[float32](float32Node),
	"[]float32,fixed":   fixed(single),
	"[]float32,half":    fixed(halved),
	"[]float64,columns": spread(),
}

// layout lists the stored fields of a row type.
func layout(row reflect.Type) ([]field, error) {
	if row.Kind() != reflect.Struct {
		return nil, fmt.Errorf("row type %s is not a struct", row)
	}
	var fields []field
	for i := range row.NumField() {
		f := row.Field(i)
		tag, ok := f.Tag.Lookup("parquet")
		if !ok || tag == "-" {
			continue
		}
		name, option, _ := strings.Cut(tag, ",")
		optional := option == "optional"
		if optional {
			option = ""
		}
		k, ok := kinds[typeName(f.Type)+withComma(option)]
		if !ok || !f.IsExported() || (name == "") != (option == "columns") {
			return nil, fmt.Errorf("field %s.%s of type %s with tag %q cannot be stored", row, f.Name, f.Type, tag)
		}
		fields = append(fields, field{name: name, index: i, kind: k, optional: optional})
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("row type %s has no field with a parquet tag", row)
	}
	return fields, nil
}

// typeName lets named strings and numbers pass as what they are.
func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice, reflect.Map, reflect.Pointer:
		return t.String()
	}
	return t.Kind().String()
}

func withComma(option string) string {
	if option == "" {
		return ""
	}
	return "," + option
}

// encoders are the columns that a field is written to.
func (f field) encoders(o Options) ([]encoder, error) { return f.kind.encoders(f, o) }

// decoders read a field back; taken are the names of the other fields.
func (f field) decoders(file *column.File, taken map[string]bool) ([]decoder, error) {
	if f.optional && !slices.Contains(file.Names(), f.name) {
		return nil, nil
	}
	return f.kind.decoders(f, file, taken)
}

// checkNames refuses two columns of one name, which readers would mix up.
func checkNames(nodes schema.FieldList) error {
	seen := make(map[string]bool)
	for _, n := range nodes {
		if seen[n.Name()] || n.Name() == "" {
			return fmt.Errorf("column name %q is empty or given twice", n.Name())
		}
		seen[n.Name()] = true
	}
	return nil
}
