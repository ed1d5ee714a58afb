package table

import (
	"fmt"
	"math"
	"reflect"

	"github.com/apache/arrow/go/v15/parquet"

	"upi/data/column"
)

// decoder sets one field of a row to the next value of its column.
type decoder func(row reflect.Value) error

// one opens the column that holds a field and makes its decoder.
func one[V column.Value](file *column.File, name string, decode func(*column.Cursor[V]) decoder) ([]decoder, error) {
	leaves := file.Leaves(name)
	if len(leaves) == 0 {
		return nil, fmt.Errorf("%s has no column %q; it has %q", file.Path(), name, file.Names())
	}
	if len(leaves) > 1 {
		return nil, fmt.Errorf("column %q of %s is a struct", name, file.Path())
	}
	cursor, err := column.NewCursor[V](file, leaves[0])
	if err != nil {
		return nil, err
	}
	return []decoder{decode(cursor)}, nil
}

func required[V column.Value](file *column.File, name string, c *column.Cursor[V], set func(reflect.Value, V) error) decoder {
	row := int64(-1)
	return func(dst reflect.Value) error {
		row++
		v, ok, err := c.Next()
		if err != nil {
			return err
		}
		if !ok {
			return null(file, name, row)
		}
		return set(dst, v)
	}
}

func null(file *column.File, name string, row int64) error {
	return fmt.Errorf("row %d of column %q of %s is NULL", row, name, file.Path())
}

func listDecoder[V column.Value](file *column.File, f field, c *column.Cursor[V]) decoder {
	row := int64(-1)
	return func(dst reflect.Value) error {
		row++
		p := dst.Field(f.index).Addr().Interface().(*[]V)
		list, ok, err := c.NextList((*p)[:0])
		if err != nil {
			return err
		}
		if !ok {
			return null(file, f.name, row)
		}
		*p = list
		return nil
	}
}

func fixedDecoder(file *column.File, f field, c *column.Cursor[parquet.FixedLenByteArray], stored number) decoder {
	return required(file, f.name, c, func(dst reflect.Value, v parquet.FixedLenByteArray) error {
		p := dst.Field(f.index).Addr().Interface().(*[]float32)
		n := len(v) / stored.bytes
		if len(v)%stored.bytes != 0 {
			return fmt.Errorf("column %q of %s has rows of %d bytes, which is no number of values of %d", f.name, file.Path(), len(v), stored.bytes)
		}
		if cap(*p) < n {
			*p = make([]float32, n)
		}
		*p = (*p)[:n]
		for i := range *p {
			(*p)[i] = stored.get(v[stored.bytes*i:])
		}
		return nil
	})
}

// spreadDecoders gather the float64 columns that no other field names, in file order.
func spreadDecoders(f field, file *column.File, taken map[string]bool) ([]decoder, error) {
	names := spreadNames(file, taken)
	decoders := []decoder{func(row reflect.Value) error {
		p := row.Field(f.index).Addr().Interface().(*[]float64)
		if cap(*p) < len(names) {
			*p = make([]float64, len(names))
		}
		*p = (*p)[:len(names)]
		return nil
	}}
	for i, name := range names {
		d, err := one(file, name, func(c *column.Cursor[float64]) decoder {
			return func(row reflect.Value) error {
				v, ok, err := c.Next()
				if !ok {
					v = math.NaN()
				}
				row.Field(f.index).Interface().([]float64)[i] = v
				return err
			}
		})
		if err != nil {
			return nil, err
		}
		decoders = append(decoders, d...)
	}
	return decoders, nil
}

func spreadNames(file *column.File, taken map[string]bool) []string {
	var names []string
	for _, name := range file.Names() {
		leaves := file.Leaves(name)
		if !taken[name] && len(leaves) == 1 && leaves[0].PhysicalType() == parquet.Types.Double && leaves[0].MaxRepetitionLevel() == 0 {
			names = append(names, name)
		}
	}
	return names
}
