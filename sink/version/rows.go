package version

import (
	"cmp"
	"encoding/json"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Rows are the rows of a table in the order of its key.
type Rows struct {
	// Columns describe the values of a row, in their order.
	Columns []Column
	// All yields the rows, in the order that CompareKeys gives, and may be ranged over once. After an error nothing follows. A row's slice is the receiver's.
	All iter.Seq2[[]Value, error]
}

// Column is one column.
type Column struct {
	Name string
	// Key is the column's place in the key from 1, or 0 for a column that is not part of it.
	Key int
}

// Keys are the indexes of the key's columns, in the key's order.
func (r Rows) Keys() []int {
	var keys []int
	for i, c := range r.Columns {
		if c.Key > 0 {
			keys = append(keys, i)
		}
	}
	slices.SortFunc(keys, func(a, b int) int { return cmp.Compare(r.Columns[a].Key, r.Columns[b].Key) })
	return keys
}

// CompareKeys orders two rows by the columns of keys.
func CompareKeys(a, b []Value, keys []int) int {
	for _, k := range keys {
		if n := a[k].Compare(b[k]); n != 0 {
			return n
		}
	}
	return 0
}

// Value is one cell. The zero value is null. Values can be compared with ==, except for floats that are NaN.
type Value struct {
	kind   kind
	text   string
	number int64
	float  float64
}

// kind is what a value is, in the order in which kinds sort.
type kind uint8

const (
	null kind = iota
	boolean
	integer
	float
	text
)

// Int is an integer.
func Int(v int64) Value { return Value{kind: integer, number: v} }

// Float is a 64-bit float.
func Float(v float64) Value { return Value{kind: float, float: v} }

// Bool is a truth value.
func Bool(v bool) Value {
	if v {
		return Value{kind: boolean, number: 1}
	}
	return Value{kind: boolean}
}

// Text is text, sorted by its bytes. Instants are text in UTC of the fixed width that sink/table gives them, and bytes are text in hexadecimal, so that
// both keep their order.
func Text(v string) Value { return Value{kind: text, text: v} }

// AsInt is the value of an integer; ok is false for any other.
func (v Value) AsInt() (n int64, ok bool) { return v.number, v.kind == integer }

// IsNull reports whether there is no value.
func (v Value) IsNull() bool { return v.kind == null }

// Compare orders values: null first, then truth values, integers, floats, text. A kind is never equal to another.
func (v Value) Compare(w Value) int {
	return cmp.Or(cmp.Compare(v.kind, w.kind), cmp.Compare(v.number, w.number), cmp.Compare(v.float, w.float), strings.Compare(v.text, w.text))
}

// String is the value as plain text: "null", true or false, decimal, or the text itself.
func (v Value) String() string {
	switch v.kind {
	case boolean:
		return strconv.FormatBool(v.number != 0)
	case integer:
		return strconv.FormatInt(v.number, 10)
	case float:
		return strconv.FormatFloat(v.float, 'g', -1, 64)
	case text:
		return v.text
	}
	return "null"
}

// MarshalJSON writes the value as JSON; a float that JSON has no number for becomes text.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case null, boolean, integer:
		return []byte(v.String()), nil
	case float:
		if v.float-v.float == 0 { // neither infinite nor NaN
			return []byte(v.String()), nil
		}
	}
	return json.Marshal(v.String())
}
