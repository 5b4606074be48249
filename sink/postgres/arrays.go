package postgres

import (
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/table"
)

// sqlType is how a column type is called, and its elements' object id (https://www.postgresql.org/docs/current/catalog-pg-type.html).
type sqlType struct {
	name   string
	oid    uint32
	accept []string // names of existing columns' types that take every value
}

var sqlTypes = [...]sqlType{
	table.TextType:  {"text", 25, []string{"text", "character varying"}},
	table.IntType:   {"bigint", 20, []string{"bigint"}},
	table.FloatType: {"double precision", 701, []string{"double precision"}},
	table.BoolType:  {"boolean", 16, []string{"boolean"}},
	table.BytesType: {"bytea", 17, []string{"bytea"}},
	table.TimeType:  {"timestamp with time zone", 1184, []string{"timestamp with time zone"}},
}

// epochMicros is 2000-01-01 UTC, where PostgreSQL's time begins, in microseconds since 1970.
const epochMicros = 946_684_800_000_000

var (
	errUTF8 = errors.New("the text is not valid UTF-8, which PostgreSQL does not store")
	errZero = errors.New("the text contains a zero byte, which PostgreSQL does not store")
)

// appendArray appends one column of the picked rows as a one-dimensional array in the binary format of array_recv: number of dimensions, whether there are nulls, element
// type, length, lower bound, then each element behind its length, -1 for null. On an error it tells the index of the row.
func appendArray[T any](dst []byte, col *table.Column[T], rows []sink.Row[T], picked []int32) (_ []byte, bad int32, err error) {
	start := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, 1)
	dst = binary.BigEndian.AppendUint32(dst, 0)
	dst = binary.BigEndian.AppendUint32(dst, sqlTypes[col.Type()].oid)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(picked)))
	dst = binary.BigEndian.AppendUint32(dst, 1)
	for _, i := range picked {
		row := rows[i].Value
		if col.IsNull(row) {
			binary.BigEndian.PutUint32(dst[start+4:], 1)
			dst = binary.BigEndian.AppendUint32(dst, math.MaxUint32)
			continue
		}
		if dst, err = appendElement(dst, col, row); err != nil {
			return dst, i, err
		}
	}
	return dst, 0, nil
}

func appendElement[T any](dst []byte, col *table.Column[T], row T) ([]byte, error) {
	if err := col.Check(row); err != nil {
		return dst, err
	}
	switch col.Type() {
	case table.TextType:
		text := col.Text(row)
		if strings.IndexByte(text, 0) >= 0 {
			return dst, errZero
		}
		if !utf8.ValidString(text) {
			return dst, errUTF8
		}
		return append(binary.BigEndian.AppendUint32(dst, uint32(len(text))), text...), nil
	case table.IntType:
		return append64(dst, uint64(col.Int(row))), nil
	case table.FloatType:
		return append64(dst, math.Float64bits(col.Float(row))), nil
	case table.BoolType:
		dst = binary.BigEndian.AppendUint32(dst, 1)
		if col.Bool(row) {
			return append(dst, 1), nil
		}
		return append(dst, 0), nil
	case table.BytesType:
		raw := col.Bytes(row)
		return append(binary.BigEndian.AppendUint32(dst, uint32(len(raw))), raw...), nil
	case table.TimeType:
		return append64(dst, uint64(col.Time(row).UnixMicro()-epochMicros)), nil
	}
	return dst, errors.New("unknown column type")
}

func append64(dst []byte, v uint64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(dst, 8), v)
}
