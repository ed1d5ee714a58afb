package config

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/go-viper/mapstructure/v2"
)

// problemAt is a problem whose key is known but not yet its position.
type problemAt struct {
	key     string
	value   any
	message string
}

// strictly makes a decoder refuse what it would convert by guessing.
func strictly(c *mapstructure.DecoderConfig) {
	c.TagName = "yaml"
	c.SquashTagOption = "inline"
	c.WeaklyTypedInput = false
	c.ZeroFields = true
	c.DecodeHook = mapstructure.DecodeHookFuncValue(check)
}

// check runs before each value is decoded: it sets defaults, refuses a value of
// another type and turns scalars into types with an UnmarshalText method.
func check(from, to reflect.Value) (any, error) {
	for from.Kind() == reflect.Interface && !from.IsNil() {
		from = from.Elem()
	}
	if !from.IsValid() {
		return nil, nil
	}
	data := from.Interface()
	if to.Kind() == reflect.Pointer || to.Kind() == reflect.Interface || from.Type() == to.Type() && to.Kind() == reflect.Struct {
		return data, nil
	}
	if text, ok := addressOf(to).(encoding.TextUnmarshaler); ok {
		return unmarshalText(data, text, to)
	}
	if d, ok := addressOf(to).(Defaulter); ok && from.Kind() == reflect.Map {
		d.SetDefaults()
	}
	if to.Type() == reflect.TypeFor[time.Duration]() {
		return duration(data)
	}
	switch to.Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return wholeNumber(from, to)
	case reflect.Float32, reflect.Float64:
		return number(from)
	case reflect.String:
		return data, need(from.Kind() == reflect.String, data, "text")
	case reflect.Bool:
		return data, need(from.Kind() == reflect.Bool, data, "true or false")
	case reflect.Slice, reflect.Array:
		if to.Type() == reflect.TypeFor[PerChannel]() && from.Kind() != reflect.Slice {
			return []any{data}, nil
		}
		return data, need(from.Kind() == reflect.Slice, data, "a list, such as [a, b]")
	case reflect.Struct, reflect.Map:
		return data, need(from.Kind() == reflect.Map, data, "a mapping of keys to values")
	}
	return data, nil
}

// mismatch is a value of a wrong type or form.
type mismatch struct {
	value any
	want  string
}

func (m *mismatch) Error() string { return m.want }

func need(ok bool, value any, want string) error {
	if ok {
		return nil
	}
	return &mismatch{value, "want " + want}
}

func addressOf(v reflect.Value) any {
	if !v.CanAddr() || !v.Addr().CanInterface() {
		return nil
	}
	return v.Addr().Interface()
}

func unmarshalText(data any, into encoding.TextUnmarshaler, to reflect.Value) (any, error) {
	text := ""
	switch v := data.(type) {
	case string:
		text = v
	case float64:
		text = strconv.FormatFloat(v, 'g', -1, 64)
	case int, int64, uint64:
		text = fmt.Sprint(v)
	default:
		return nil, &mismatch{data, "want a number or text"}
	}
	if err := into.UnmarshalText([]byte(text)); err != nil {
		return nil, &mismatch{data, err.Error()}
	}
	// The value has been set: handing back the same type makes the decoder
	// assign it once more instead of converting.
	return to.Interface(), nil
}

func duration(data any) (any, error) {
	text, ok := data.(string)
	if !ok {
		return nil, &mismatch{data, "want a duration with its unit, such as 90s"}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, &mismatch{data, "want a duration with its unit, such as 90s"}
	}
	return d, nil
}

// wholeNumber accepts integers and floats without a fraction (1e3) that fit.
func wholeNumber(from, to reflect.Value) (any, error) {
	data := from.Interface()
	signed := to.CanInt()
	if from.CanFloat() {
		f := from.Float()
		if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
			return nil, &mismatch{data, "want a whole number"}
		}
		from = reflect.ValueOf(int64(f))
	}
	switch {
	case !from.CanInt() && !from.CanUint():
		return nil, &mismatch{data, "want a whole number"}
	case !signed && from.CanInt() && from.Int() < 0:
		return nil, &mismatch{data, "want a whole number that is not negative"}
	case !signed && from.CanInt():
		from = reflect.ValueOf(uint64(from.Int()))
	case signed && from.CanUint() && from.Uint() > math.MaxInt64:
		return nil, &mismatch{data, "too large"}
	case signed && from.CanUint():
		from = reflect.ValueOf(int64(from.Uint()))
	}
	if signed && to.OverflowInt(from.Int()) || !signed && to.OverflowUint(from.Uint()) {
		return nil, &mismatch{data, "too large"}
	}
	return from.Interface(), nil
}

func number(from reflect.Value) (any, error) {
	data := from.Interface()
	if !from.CanInt() && !from.CanUint() && !from.CanFloat() {
		return nil, &mismatch{data, "want a number"}
	}
	if from.CanFloat() && (math.IsNaN(from.Float()) || math.IsInf(from.Float(), 0)) {
		return nil, &mismatch{data, "want a finite number"}
	}
	return data, nil
}

// decodeStruct decodes a mapping into the struct that into points to.
func decodeStruct(m map[string]any, into any) []problemAt {
	c := &mapstructure.DecoderConfig{Result: into}
	strictly(c)
	decoder, err := mapstructure.NewDecoder(c)
	if err != nil {
		return []problemAt{{message: err.Error()}}
	}
	return append(decodeProblems(decoder.Decode(m)), unknownKeys("", m, reflect.TypeOf(into))...)
}

// decodeProblems takes apart the joined errors of a decoder.
func decodeProblems(err error) []problemAt {
	switch e := err.(type) {
	case nil:
		return nil
	case interface{ Unwrap() []error }:
		var problems []problemAt
		for _, one := range e.Unwrap() {
			problems = append(problems, decodeProblems(one)...)
		}
		return problems
	case *mapstructure.DecodeError:
		var m *mismatch
		if errors.As(e, &m) {
			return []problemAt{{e.Name(), m.value, m.want}}
		}
		return []problemAt{{e.Name(), nil, e.Unwrap().Error()}}
	}
	if inner := errors.Unwrap(err); inner != nil {
		return decodeProblems(inner)
	}
	return []problemAt{{"", nil, err.Error()}}
}

// unknownKeys finds the keys in value that no field of t takes. The decoder
// would name them only where everything else in the same mapping is right.
func unknownKeys(path string, value any, t reflect.Type) []problemAt {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var problems []problemAt
	switch v := value.(type) {
	case map[string]any:
		fields := fieldsOf(t)
		if t.Kind() != reflect.Struct || reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
			return nil
		}
		for _, key := range sortedKeys(v) {
			at := join(path, key)
			field, ok := fields[key]
			if !ok {
				problems = append(problems, problemAt{at, nil, "unknown key; " + unknown(key, sortedKeys(fields))})
				continue
			}
			problems = append(problems, unknownKeys(at, v[key], field)...)
		}
	case []any:
		if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			return nil
		}
		for i, x := range v {
			problems = append(problems, unknownKeys(fmt.Sprintf("%s[%d]", path, i), x, t.Elem())...)
		}
	}
	return problems
}
