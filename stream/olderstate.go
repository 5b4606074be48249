package stream

import (
	"strings"

	"github.com/millrace/millrace/state"
)

// older reads values that another codec wrote, in that codec's place.
type older[V any] struct {
	state.Codec[V]
	read func(src []byte) (V, error)
}

func (c older[V]) Decode(src []byte) (V, error) { return c.read(src) }

// From reads maps whose values were written under another ID. Keys keep theirs.
func (c mapCodec[K, V]) From(id string) func([]byte) (map[K]V, error) {
	value, ok := strings.CutPrefix(id, "map<"+c.key.ID()+",")
	if !ok {
		return nil
	}
	if value, ok = strings.CutSuffix(value, ">"); !ok {
		return nil
	}
	read := state.ReaderOf(c.value, value)
	if read == nil {
		return nil
	}
	return mapCodec[K, V]{c.key, older[V]{c.value, read}}.Decode
}

// Parts are the codecs of keys and values.
func (c mapCodec[K, V]) Parts() []state.Form { return []state.Form{c.key, c.value} }

// From reads accumulators that were written under another ID.
func (c boxCodec[A]) From(id string) func([]byte) (box[A], error) {
	read := state.ReaderOf(c.inner, id)
	if read == nil {
		return nil
	}
	return boxCodec[A]{older[A]{c.inner, read}}.Decode
}

// Parts is the accumulator's codec.
func (c boxCodec[A]) Parts() []state.Form { return []state.Form{c.inner} }
