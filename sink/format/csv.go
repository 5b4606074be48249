package format

import (
	"bytes"
	"fmt"

	"github.com/millrace/millrace/sink/table"
)

func csvFormat[T any](columns table.Columns[T]) *Text[T] {
	list := columns.All()
	f := &Text[T]{name: "csv", ext: ".csv", contentType: "text/csv", keyOf: columns.KeyString, columns: ColumnsOf(columns), invalid: columns.Validate()}
	for i, col := range list {
		if i > 0 {
			f.header = append(f.header, ',')
		}
		f.header = append(f.header, col.Name()...)
	}
	f.header = append(f.header, '\n')
	// A line of nothing at all would be skipped by readers.
	alone := len(list) == 1
	f.append = func(dst []byte, row T) ([]byte, error) {
		for i := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			if err := list[i].Check(row); err != nil {
				return dst, fmt.Errorf("column %s: %w", list[i].Name(), err)
			}
			start := len(dst)
			dst = list[i].Append(dst, row)
			quoteEmpty := alone || list[i].IsNullable() && !list[i].IsNull(row)
			if needsQuotes(dst[start:]) || len(dst) == start && quoteEmpty {
				dst = quote(dst, start)
			}
		}
		return append(dst, '\n'), nil
	}
	return f
}

// needsQuotes follows encoding/csv: a leading space is quoted for readers that trim, and \. for PostgreSQL's COPY.
func needsQuotes(field []byte) bool {
	if len(field) == 0 {
		return false
	}
	return field[0] == ' ' || field[0] == '\t' || bytes.ContainsAny(field, "\",\r\n") || string(field) == `\.`
}

// quote puts dst[start:] in quotes, doubling those within.
func quote(dst []byte, start int) []byte {
	inner := bytes.Count(dst[start:], []byte{'"'})
	end := len(dst)
	for range inner + 2 {
		dst = append(dst, '"')
	}
	to := len(dst) - 1
	for from := end - 1; from >= start; from-- {
		to--
		dst[to] = dst[from]
		if dst[from] == '"' {
			to--
			dst[to] = '"'
		}
	}
	dst[start] = '"'
	return dst
}
