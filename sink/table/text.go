package table

import (
	"strconv"
	"time"
	"unicode/utf8"
)

// timeLayout has a fixed width, so that times sort as text.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// Append appends the row's value as plain text: numbers in decimal (floats in the shortest form that reads back the same), true or false, bytes in
// hexadecimal, times in UTC as 2006-01-02T15:04:05.000000Z, and nothing for null.
func (c Column[T]) Append(dst []byte, row T) []byte {
	if c.IsNull(row) {
		return dst
	}
	switch c.typ {
	case TextType:
		return append(dst, c.text(row)...)
	case IntType:
		return strconv.AppendInt(dst, c.int(row), 10)
	case FloatType:
		return strconv.AppendFloat(dst, c.float(row), 'g', -1, 64)
	case BoolType:
		return strconv.AppendBool(dst, c.bool(row))
	case BytesType:
		return appendHex(dst, c.bytes(row))
	case TimeType:
		return AppendTime(dst, c.time(row))
	}
	return dst
}

// AppendShown appends the row's value for a person to read: text quoted, null as "null".
func (c Column[T]) AppendShown(dst []byte, row T) []byte {
	return c.appendShown(dst, row, int(^uint(0)>>1))
}

func (c Column[T]) appendShown(dst []byte, row T, limit int) []byte {
	if c.IsNull(row) {
		return append(dst, "null"...)
	}
	switch c.typ {
	case TextType:
		text := c.text(row)
		if len(text) <= limit {
			return strconv.AppendQuote(dst, text)
		}
		for limit > 0 && !utf8.RuneStart(text[limit]) {
			limit--
		}
		return append(strconv.AppendQuote(dst, text[:limit]), "..."...)
	case BytesType:
		raw := c.bytes(row)
		if len(raw) <= limit {
			return appendHex(dst, raw)
		}
		return append(appendHex(dst, raw[:limit]), "..."...)
	}
	return c.Append(dst, row)
}

// AppendTime appends t in UTC as 2006-01-02T15:04:05.000000Z: of a fixed width, in microseconds, as Append does.
func AppendTime(dst []byte, t time.Time) []byte {
	return t.UTC().Truncate(time.Microsecond).AppendFormat(dst, timeLayout)
}

func appendHex(dst, src []byte) []byte {
	const digits = "0123456789abcdef"
	for _, b := range src {
		dst = append(dst, digits[b>>4], digits[b&15])
	}
	return dst
}
