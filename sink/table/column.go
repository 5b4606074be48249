package table

import "time"

// Type is what a column holds. Each sink maps it to a type of its own.
type Type uint8

const (
	TextType  Type = iota // UTF-8 text
	IntType               // 64-bit signed integer
	FloatType             // 64-bit IEEE float
	BoolType
	BytesType
	TimeType // an instant, kept in microseconds
)

// String is the type's name as it stands in error messages.
func (t Type) String() string {
	switch t {
	case TextType:
		return "text"
	case IntType:
		return "integer"
	case FloatType:
		return "float"
	case BoolType:
		return "boolean"
	case BytesType:
		return "bytes"
	case TimeType:
		return "time"
	}
	return "unknown"
}

// Column is one column of rows of type T: a name, a type and the function that takes its value from a row.
// It is immutable, and safe for concurrent use if its functions are. The functions must not keep the row.
type Column[T any] struct {
	name string
	typ  Type
	key  bool
	null func(T) bool // nil: never null

	// One of these is set, by typ.
	text  func(T) string
	int   func(T) int64
	float func(T) float64
	bool  func(T) bool
	bytes func(T) []byte
	time  func(T) time.Time
}

// Text is a column of text. Sinks may refuse what is not valid UTF-8.
func Text[T any](name string, value func(T) string) Column[T] {
	return Column[T]{name: name, typ: TextType, text: value}
}

// Int is a column of 64-bit integers.
func Int[T any](name string, value func(T) int64) Column[T] {
	return Column[T]{name: name, typ: IntType, int: value}
}

// Float is a column of 64-bit floats; it cannot be part of the key.
func Float[T any](name string, value func(T) float64) Column[T] {
	return Column[T]{name: name, typ: FloatType, float: value}
}

// Bool is a column of truth values.
func Bool[T any](name string, value func(T) bool) Column[T] {
	return Column[T]{name: name, typ: BoolType, bool: value}
}

// Bytes is a column of raw bytes. The slice is read before the function is called again, and not kept.
func Bytes[T any](name string, value func(T) []byte) Column[T] {
	return Column[T]{name: name, typ: BytesType, bytes: value}
}

// Time is a column of instants of the years 0 to 9999, kept in microseconds and written in UTC.
func Time[T any](name string, value func(T) time.Time) Column[T] {
	return Column[T]{name: name, typ: TimeType, time: value}
}

// Key makes a column part of the key, in the order in which the columns stand. A later row replaces an earlier one of equal key.
func Key[T any](c Column[T]) Column[T] {
	c.key = true
	return c
}

// Nullable makes a column null in the rows for which null says so; its value function is not called for them. A key column cannot be nullable.
func Nullable[T any](c Column[T], null func(T) bool) Column[T] {
	c.null = null
	return c
}

// Name is the column's name.
func (c Column[T]) Name() string { return c.name }

// Type says which of the value methods may be called.
func (c Column[T]) Type() Type { return c.typ }

// IsKey reports whether the column is part of the key.
func (c Column[T]) IsKey() bool { return c.key }

// IsNullable reports whether a row may have no value here.
func (c Column[T]) IsNullable() bool { return c.null != nil }

// IsNull reports whether the row has no value here; then no value method may be called.
func (c Column[T]) IsNull(row T) bool { return c.null != nil && c.null(row) }

// Text is the row's value in a column of TextType; it panics in any other.
func (c Column[T]) Text(row T) string { return c.text(row) }

// Int is the row's value in a column of IntType; it panics in any other.
func (c Column[T]) Int(row T) int64 { return c.int(row) }

// Float is the row's value in a column of FloatType; it panics in any other.
func (c Column[T]) Float(row T) float64 { return c.float(row) }

// Bool is the row's value in a column of BoolType; it panics in any other.
func (c Column[T]) Bool(row T) bool { return c.bool(row) }

// Bytes is the row's value in a column of BytesType; it panics in any other. The slice belongs to the row.
func (c Column[T]) Bytes(row T) []byte { return c.bytes(row) }

// Time is the row's value in a column of TimeType; it panics in any other.
func (c Column[T]) Time(row T) time.Time { return c.time(row) }
