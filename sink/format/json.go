package format

import (
	"encoding/base64"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/millrace/millrace/sink/table"
)

func jsonFormat[T any](columns table.Columns[T]) *Text[T] {
	list := columns.All()
	names := make([][]byte, len(list))
	for i, col := range list {
		names[i] = append(appendJSONString(nil, col.Name()), ':')
	}
	appendRow := func(dst []byte, row T) ([]byte, error) {
		dst = append(dst, '{')
		for i := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendJSONValue(append(dst, names[i]...), &list[i], row); err != nil {
				return dst, fmt.Errorf("column %s: %w", list[i].Name(), err)
			}
		}
		return append(dst, '}', '\n'), nil
	}
	return &Text[T]{name: "jsonl", ext: ".jsonl", contentType: "application/x-ndjson", append: appendRow, keyOf: columns.KeyString, columns: ColumnsOf(columns), invalid: columns.Validate()}
}

func appendJSONValue[T any](dst []byte, col *table.Column[T], row T) ([]byte, error) {
	if col.IsNull(row) {
		return append(dst, "null"...), nil
	}
	if err := col.Check(row); err != nil {
		return dst, err
	}
	switch col.Type() {
	case table.TextType:
		return appendJSONString(dst, col.Text(row)), nil
	case table.BytesType:
		dst = base64.StdEncoding.AppendEncode(append(dst, '"'), col.Bytes(row))
		return append(dst, '"'), nil
	case table.TimeType:
		return append(table.AppendTime(append(dst, '"'), col.Time(row)), '"'), nil
	case table.FloatType:
		if v := col.Float(row); math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, fmt.Errorf("JSON has no %v; make the column nullable", v)
		}
	}
	return col.Append(dst, row), nil
}

// appendJSONString escapes what JSON demands; bytes that are not UTF-8 become U+FFFD.
func appendJSONString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		b := s[i]
		if b >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[start:i]...), "\ufffd"...)
			i++
			start = i
			continue
		}
		if b >= ' ' && b != '"' && b != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		switch b {
		case '"', '\\':
			dst = append(dst, '\\', b)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[b>>4], hex[b&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}
