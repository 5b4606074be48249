package parquet

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
	"github.com/millrace/millrace/sink/table"
)

// encoder makes one file. It writes to memory, so only a broken writer can fail.
type encoder[T any] struct {
	format *parquetFormat[T]
	list   []table.Column[T]
	writer *parquet.GenericWriter[any] // used for rows that are taken apart
	out    bytes.Buffer                // of the file, not yet taken
	rows   []parquet.Row
	values []parquet.Value
	held   int64 // bytes of the row group's values
	count  int64 // its rows
	broken error
}

func (e *encoder[T]) Append(dst []byte, rows []sink.Row[T]) ([]byte, error) {
	if e.broken != nil {
		return dst, e.broken
	}
	for i := range rows {
		if rows[i].Op == sink.Delete {
			return dst, fmt.Errorf("row %d of the batch: %s: %w", i+1, e.format.columns.KeyString(rows[i].Value), format.ErrDelete)
		}
		for c := range e.list {
			if err := e.list[c].Check(rows[i].Value); err != nil {
				return dst, fmt.Errorf("row %d of the batch: %s: column %s: %w", i+1, e.format.columns.KeyString(rows[i].Value), e.list[c].Name(), err)
			}
		}
	}
	size := e.deconstruct(rows)
	_, err := e.writer.WriteRows(e.rows)
	clear(e.values) // they point into the rows
	if err != nil {
		e.broken = err
		return dst, err
	}
	e.held += size
	e.count += int64(len(rows))
	if e.held >= e.format.settings.groupBytes || e.count >= e.format.settings.groupRows {
		if e.broken = e.writer.Flush(); e.broken != nil {
			return dst, e.broken
		}
		e.held, e.count = 0, 0
	}
	return e.take(dst), nil
}

// deconstruct makes the rows' values, and counts their bytes.
func (e *encoder[T]) deconstruct(rows []sink.Row[T]) (size int64) {
	e.values, e.rows = e.values[:0], e.rows[:0]
	if need := len(rows) * len(e.list); cap(e.values) < need {
		e.values = make([]parquet.Value, 0, need) // so that rows stay slices of it
	}
	for i := range rows {
		start := len(e.values)
		for c := range e.list {
			v := value(&e.list[c], rows[i].Value)
			defined := 0
			if e.list[c].IsNullable() && !v.IsNull() {
				defined = 1
			}
			e.values = append(e.values, v.Level(0, defined, c))
			size += 8
			if k := v.Kind(); k == parquet.ByteArray && !v.IsNull() {
				size += int64(len(v.ByteArray()))
			}
		}
		e.rows = append(e.rows, e.values[start:len(e.values):len(e.values)])
	}
	return size
}

func value[T any](col *table.Column[T], row T) parquet.Value {
	if col.IsNull(row) {
		return parquet.NullValue()
	}
	switch col.Type() {
	case table.TextType:
		return parquet.ByteArrayValue(validUTF8(col.Text(row)))
	case table.IntType:
		return parquet.Int64Value(col.Int(row))
	case table.FloatType:
		return parquet.DoubleValue(col.Float(row))
	case table.BoolType:
		return parquet.BooleanValue(col.Bool(row))
	case table.TimeType:
		return parquet.Int64Value(col.Time(row).UnixMicro())
	}
	return parquet.ByteArrayValue(bytes.Clone(col.Bytes(row)))
}

// validUTF8 has U+FFFD for each byte that is not UTF-8, as the other formats do, so that texts of different length stay different.
func validUTF8(s string) []byte {
	if utf8.ValidString(s) {
		return []byte(s)
	}
	return []byte(string([]rune(s)))
}

func (e *encoder[T]) take(dst []byte) []byte {
	dst = append(dst, e.out.Bytes()...)
	e.out.Reset()
	return dst
}

func (e *encoder[T]) Held() int64 { return e.held }

func (e *encoder[T]) Finish(dst []byte) ([]byte, error) {
	if e.broken != nil {
		return dst, e.broken
	}
	if err := e.writer.Close(); err != nil {
		e.broken = err
		return dst, err
	}
	e.held = 0
	return e.take(dst), nil
}
