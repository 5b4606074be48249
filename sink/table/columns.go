package table

import (
	"errors"
	"fmt"
	"strings"
)

// maxName is the longest name of a table or column in bytes; PostgreSQL would cut a longer one off silently.
const maxName = 63

// keyValueShown is how much of a key column's value KeyString shows, in bytes.
const keyValueShown = 64

// Columns describes rows of type T. It is immutable and safe for concurrent use; the zero value has no columns and is not valid.
type Columns[T any] struct{ list []Column[T] }

// Of is the description made of the given columns, which are stored in this order. What is wrong with it is told by Validate, which every sink calls.
func Of[T any](columns ...Column[T]) Columns[T] {
	return Columns[T]{list: append([]Column[T](nil), columns...)}
}

// All are the columns in order. The slice must not be changed.
func (c Columns[T]) All() []Column[T] { return c.list }

// Keys are the columns of the key in order.
func (c Columns[T]) Keys() []Column[T] {
	var keys []Column[T]
	for _, col := range c.list {
		if col.key {
			keys = append(keys, col)
		}
	}
	return keys
}

// Validate says everything that is wrong: no columns, a name that is not plain or stands twice, a missing function, a key that is a float or nullable.
func (c Columns[T]) Validate() error {
	if len(c.list) == 0 {
		return errors.New("no columns: describe the row with table.Of")
	}
	var problems []error
	seen := make(map[string]bool, len(c.list))
	for i, col := range c.list {
		if err := CheckName(col.name); err != nil {
			problems = append(problems, fmt.Errorf("column %d: %w", i+1, err))
		}
		if lower := strings.ToLower(col.name); seen[lower] {
			problems = append(problems, fmt.Errorf("column %d: the name %q stands twice", i+1, col.name))
		} else {
			seen[lower] = true
		}
		if !col.hasValue() {
			problems = append(problems, fmt.Errorf("column %q: its value function is nil", col.name))
		}
		if col.key && col.typ == FloatType {
			problems = append(problems, fmt.Errorf("column %q: a float cannot be a key (0 and -0 are equal, NaN is not); use an integer or text", col.name))
		}
		if col.key && col.null != nil {
			problems = append(problems, fmt.Errorf("column %q: a key cannot be null; remove table.Nullable or table.Key", col.name))
		}
	}
	return errors.Join(problems...)
}

// ValidateUpsert is Validate, and says as well that a key is missing, without which no row can be replaced or deleted.
func (c Columns[T]) ValidateUpsert() error {
	err := c.Validate()
	if err == nil && len(c.Keys()) == 0 {
		return errors.New("no key: mark the columns that identify a row with table.Key")
	}
	return err
}

func (c Column[T]) hasValue() bool {
	switch c.typ {
	case TextType:
		return c.text != nil
	case IntType:
		return c.int != nil
	case FloatType:
		return c.float != nil
	case BoolType:
		return c.bool != nil
	case BytesType:
		return c.bytes != nil
	case TimeType:
		return c.time != nil
	}
	return false
}

// KeyString names a row in messages by its key, each value cut off after 64 bytes: `user_id="u1" session_start=17`.
// Without a key it is "no key".
func (c Columns[T]) KeyString(row T) string {
	var out []byte
	for _, col := range c.list {
		if !col.key {
			continue
		}
		if len(out) > 0 {
			out = append(out, ' ')
		}
		out = append(append(out, col.name...), '=')
		out = col.appendShown(out, row, keyValueShown)
	}
	if len(out) == 0 {
		return "no key"
	}
	return string(out)
}

// CheckName says whether a table or column name is plain: letters, digits and underscores, not beginning with a digit, at most 63 bytes.
func CheckName(name string) error {
	if len(name) == 0 || len(name) > maxName {
		return fmt.Errorf("the name %.70q must have 1 to %d bytes", name, maxName)
	}
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return fmt.Errorf("the name %q must consist of letters (a-z), digits and underscores and not begin with a digit", name)
		}
	}
	return nil
}
