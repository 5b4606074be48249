package codec

import (
	"fmt"

	"github.com/millrace/millrace/state"
)

// MigratingCodec is a codec that reads what earlier versions of it wrote.
type MigratingCodec[T any] struct {
	state.Codec[T]
	from []Older[T]
}

// Older is an earlier version of a codec of T: what it reads, and how that becomes a T.
type Older[T any] struct {
	codec state.Form
	read  func(id string) func(src []byte) (T, error)
}

// From names an earlier codec and what makes a value of today of one of its values. convert is a function of the value alone: a value may be read, and converted,
// more than once before it is stored in the new form. What old itself can migrate is read too, so that versions may be chained.
func From[T, O any](old state.Codec[O], convert func(O) (T, error)) Older[T] {
	return Older[T]{codec: old, read: func(id string) func([]byte) (T, error) {
		decode := state.ReaderOf(old, id)
		if decode == nil {
			return nil
		}
		return func(src []byte) (v T, err error) {
			o, err := decode(src)
			if err != nil {
				return v, err
			}
			if v, err = convert(o); err != nil {
				var zero T
				return zero, fmt.Errorf("migrating from codec %s: %w", id, err)
			}
			return v, nil
		}
	}}
}

// Migrating is the codec now for state that may have been written by others before it. It writes, and is called, as now is; the version is part of the ID
// ("cart/v2"), and each version has its own.
//
//	codec.Migrating(cartV3, codec.From(cartV2, cartFromV2), codec.From(cartV1, cartFromV1))
//
// Values are converted when they are read and stored in the new form when they next change. A savepoint may hold several versions at a time. Older versions can
// be left out once a plan of the job says that the state has none of them.
func Migrating[T any](now state.Codec[T], from ...Older[T]) MigratingCodec[T] {
	return MigratingCodec[T]{now, from}
}

// From is what reads values of an earlier version, nil where id is of none.
func (c MigratingCodec[T]) From(id string) func(src []byte) (T, error) {
	if m, ok := c.Codec.(state.Migrator[T]); ok {
		if read := m.From(id); read != nil {
			return read
		}
	}
	for _, o := range c.from {
		if read := o.read(id); read != nil {
			return read
		}
	}
	return nil
}

// Parts are the codec itself and those before it.
func (c MigratingCodec[T]) Parts() []state.Form {
	parts := []state.Form{c.Codec}
	for _, o := range c.from {
		parts = append(parts, o.codec)
	}
	return parts
}

// keeper is a codec whose decoded records may share memory with their batch.
type keeper[T any] interface {
	Aliases() bool
	Keep(v T) T
}

// Aliases reports whether records that the codec decodes share memory with their batch, as the codec it goes around says.
func (c MigratingCodec[T]) Aliases() bool {
	k, ok := c.Codec.(keeper[T])
	return ok && k.Aliases()
}

// Keep makes a value stand alone.
func (c MigratingCodec[T]) Keep(v T) T {
	if k, ok := c.Codec.(keeper[T]); ok {
		return k.Keep(v)
	}
	return v
}

// sameAs reads values in place of a codec.
type sameAs[T any] struct {
	state.Codec[T]
	read func(src []byte) (T, error)
}

func (c sameAs[T]) Decode(src []byte) (T, error) { return c.read(src) }

// From reads slices of elements that were written under another ID.
func (c SliceCodec[T]) From(id string) func(src []byte) ([]T, error) {
	element, ok := within(id, "slice")
	if !ok {
		return nil
	}
	read := state.ReaderOf(c.elem, element)
	if read == nil {
		return nil
	}
	return SliceOf[T](sameAs[T]{c.elem, read}).Decode
}

// Parts is the element's codec.
func (c SliceCodec[T]) Parts() []state.Form { return []state.Form{c.elem} }

// From reads pairs of which either part was written under another ID.
func (c PairCodec[A, B]) From(id string) func(src []byte) (Pair[A, B], error) {
	parts, ok := within(id, "pair")
	if !ok {
		return nil
	}
	for i := range parts { // IDs may hold commas themselves
		if parts[i] != ',' {
			continue
		}
		first, second := state.ReaderOf(c.first, parts[:i]), state.ReaderOf(c.second, parts[i+1:])
		if first != nil && second != nil {
			return PairOf[A, B](sameAs[A]{c.first, first}, sameAs[B]{c.second, second}).Decode
		}
	}
	return nil
}

// Parts are the codecs of both parts.
func (c PairCodec[A, B]) Parts() []state.Form { return []state.Form{c.first, c.second} }

// within is what an ID that is made as head(...) has in it.
func within(id, head string) (string, bool) {
	if len(id) < len(head)+2 || id[:len(head)+1] != head+"(" || id[len(id)-1] != ')' {
		return "", false
	}
	return id[len(head)+1 : len(id)-1], true
}
