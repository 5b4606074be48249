package codec

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/millrace/millrace/source"
)

// JSONCodec writes values with encoding/json: slow and wordy, but readable, and fields may come and go.
type JSONCodec[T any] struct {
	id      string
	version int
}

// JSON is the codec of T by encoding/json. Its ID names the type and the version: "json:shop.Session/v1". Raise the version when values written before
// can no longer be read as they were meant. Unknown fields are ignored. The bytes are deterministic as long as T's own MarshalJSON methods are.
// It uses reflection for each value; for the hot path prefer Proto or Func.
func JSON[T any](version int) JSONCodec[T] {
	return JSONCodec[T]{version: version}.Named(reflect.TypeFor[T]().String())
}

// Named puts another name in place of the type's, to rename or move the type without losing its state.
func (c JSONCodec[T]) Named(name string) JSONCodec[T] {
	c.id = fmt.Sprintf("json:%s/v%d", name, c.version)
	return c
}

func (c JSONCodec[T]) Append(dst []byte, v T) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return dst, fmt.Errorf("codec %s: %w", c.id, err)
	}
	return append(dst, b...), nil
}

func (c JSONCodec[T]) Decode(src []byte) (T, error) {
	var v T
	if err := json.Unmarshal(src, &v); err != nil {
		var zero T
		return zero, malformed(c.id, err)
	}
	return v, nil
}

func (c JSONCodec[T]) ID() string { return c.id }

// DecodeRecord reads the record's value; nothing aliases it, unless T's own UnmarshalJSON methods keep what they are given.
func (c JSONCodec[T]) DecodeRecord(r *source.Raw) (T, error) {
	if r.Value == nil {
		var zero T
		return zero, noValue(c.id)
	}
	return c.Decode(r.Value)
}
