package elastic

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/millrace/millrace/sink/table"
)

var errUTF8 = errors.New("the text is not valid UTF-8, which JSON does not have")

// appendDocument appends the row as a JSON object of its columns, in one line.
func appendDocument[T any](dst []byte, columns []table.Column[T], row T) ([]byte, error) {
	dst = append(dst, '{')
	for i := range columns {
		if i > 0 {
			dst = append(dst, ',')
		}
		// Names were checked to be plain.
		dst = append(append(append(dst, '"'), columns[i].Name()...), '"', ':')
		var err error
		if dst, err = appendValue(dst, &columns[i], row); err != nil {
			return dst, fmt.Errorf("column %s: %w", columns[i].Name(), err)
		}
	}
	return append(dst, '}'), nil
}

func appendValue[T any](dst []byte, col *table.Column[T], row T) ([]byte, error) {
	if col.IsNull(row) {
		return append(dst, "null"...), nil
	}
	if err := col.Check(row); err != nil {
		return dst, err
	}
	switch col.Type() {
	case table.TextType:
		text := col.Text(row)
		if !utf8.ValidString(text) {
			return dst, errUTF8
		}
		return appendString(dst, text), nil
	case table.FloatType:
		if v := col.Float(row); math.IsNaN(v) || math.IsInf(v, 0) {
			return dst, fmt.Errorf("JSON has no %v; make the column nullable", v)
		}
	case table.BytesType, table.TimeType:
		return append(col.Append(append(dst, '"'), row), '"'), nil
	}
	return col.Append(dst, row), nil
}

// appendString appends valid UTF-8 as a JSON string.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		b := s[i]
		if b >= ' ' && b != '"' && b != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		if b >= ' ' {
			dst = append(dst, '\\', b)
		} else {
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[b>>4], hexDigits[b&15])
		}
		start = i + 1
	}
	return append(append(dst, s[start:]...), '"')
}
