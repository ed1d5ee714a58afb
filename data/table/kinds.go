package table

import (
	"fmt"
	"math"
	"reflect"

	"github.com/apache/arrow/go/v15/parquet"

	"upi/data/column"
)

// scalar is a field of one value, never NULL.
func scalar[V column.Value](leaf nodeFunc, get func(reflect.Value) V, set func(reflect.Value, V)) kind {
	return kind{
		encoders: func(f field, _ Options) ([]encoder, error) {
			return []encoder{&valueEncoder[V]{
				name: f.name, leaf: leaf, weigh: func(V) int { return 8 },
				get: func(row reflect.Value) V { return get(row.Field(f.index)) },
			}}, nil
		},
		decoders: func(f field, file *column.File, _ map[string]bool) ([]decoder, error) {
			return one(file, f.name, func(c *column.Cursor[V]) decoder {
				return required(file, f.name, c, func(row reflect.Value, v V) error { set(row.Field(f.index), v); return nil })
			})
		},
	}
}

// text is a string field. Names repeat, so it alone has a dictionary.
func text() kind {
	return kind{
		encoders: func(f field, _ Options) ([]encoder, error) {
			return []encoder{&valueEncoder[parquet.ByteArray]{
				name: f.name, leaf: textNode, weigh: func(v parquet.ByteArray) int { return len(v) + 24 },
				props: []parquet.WriterProperty{parquet.WithDictionaryFor(f.name, true)},
				get:   func(row reflect.Value) parquet.ByteArray { return parquet.ByteArray(row.Field(f.index).String()) },
			}}, nil
		},
		decoders: func(f field, file *column.File, _ map[string]bool) ([]decoder, error) {
			return one(file, f.name, func(c *column.Cursor[parquet.ByteArray]) decoder {
				return required(file, f.name, c, func(row reflect.Value, v parquet.ByteArray) error {
					row.Field(f.index).SetString(string(v))
					return nil
				})
			})
		},
	}
}

// nullable is a *float64 field.
func nullable() kind {
	return kind{
		encoders: func(f field, _ Options) ([]encoder, error) {
			return []encoder{&nullEncoder{name: f.name, get: func(row reflect.Value) (float64, bool) {
				p := row.Field(f.index).Interface().(*float64)
				if p == nil {
					return 0, false
				}
				return *p, true
			}}}, nil
		},
		decoders: func(f field, file *column.File, _ map[string]bool) ([]decoder, error) {
			return one(file, f.name, func(c *column.Cursor[float64]) decoder {
				return func(row reflect.Value) error {
					v, ok, err := c.Next()
					if err != nil {
						return err
					}
					var p *float64
					if ok {
						p = &v
					}
					row.Field(f.index).Set(reflect.ValueOf(p))
					return nil
				}
			})
		},
	}
}

// list is a slice field.
func list[V column.Value](leaf nodeFunc) kind {
	return kind{
		encoders: func(f field, _ Options) ([]encoder, error) {
			return []encoder{&listEncoder[V]{name: f.name, index: f.index, leaf: leaf}}, nil
		},
		decoders: func(f field, file *column.File, _ map[string]bool) ([]decoder, error) {
			return one(file, f.name, func(c *column.Cursor[V]) decoder { return listDecoder(file, f, c) })
		},
	}
}

// fixed is a bulk field.
func fixed(n number) kind {
	return kind{
		encoders: func(f field, o Options) ([]encoder, error) {
			width := o.Width[f.name]
			if width <= 0 || width > maxWidth {
				return nil, fmt.Errorf("column %q needs Options.Width of 1 to %d, has %d", f.name, maxWidth, width)
			}
			return []encoder{&fixedEncoder{name: f.name, index: f.index, width: width, number: n}}, nil
		},
		decoders: func(f field, file *column.File, _ map[string]bool) ([]decoder, error) {
			return one(file, f.name, func(c *column.Cursor[parquet.FixedLenByteArray]) decoder { return fixedDecoder(file, f, c, n) })
		},
	}
}

// maxWidth keeps a bulk row, which is never split, within the pages that are read back.
const maxWidth = 1 << 25

// spread is a slice field with one column for each of the table's Columns; NaN is NULL there.
func spread() kind {
	return kind{
		encoders: func(f field, o Options) ([]encoder, error) {
			if len(o.Columns) == 0 {
				return nil, fmt.Errorf("the field tagged \",columns\" needs names in Options.Columns")
			}
			var encoders []encoder
			for i, name := range o.Columns {
				encoders = append(encoders, &nullEncoder{name: name, get: func(row reflect.Value) (float64, bool) {
					v := row.Field(f.index).Interface().([]float64)[i]
					return v, !math.IsNaN(v)
				}})
			}
			// A number without a column would vanish in silence.
			encoders[0].(*nullEncoder).check = func(row reflect.Value) error {
				if n := row.Field(f.index).Len(); n != len(o.Columns) {
					return fmt.Errorf("the row has %d numbers for the %d columns %q", n, len(o.Columns), o.Columns)
				}
				return nil
			}
			return encoders, nil
		},
		decoders: spreadDecoders,
	}
}
