package stream

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/windowing"
	"github.com/millrace/millrace/state"
)

// ValueState is one value per key. Like all keyed state it is declared in Open, used in Process and OnTimer, and always means the key at hand.
type ValueState[V any] struct{ held[V] }

// held is a cell of the key at hand.
type held[V any] struct {
	keyed *keyedContext
	cell  *keyed.Cell[V]
}

func hold[V any](ctx *OpenContext, name string, codec state.Codec[V]) held[V] {
	if ctx.keyed == nil {
		panic(fmt.Sprintf("stream: operator %q declares state %q, but does not read a KeyedStream", ctx.uid, name))
	}
	return held[V]{ctx.keyed, keyed.NewCell(ctx.keyed.store, name, codec)}
}

// live is the value, nil without. touch is for a change: it makes one where there is none.
func (h held[V]) live() *V { return h.cell.Get(h.keyed.current()) }

func (h held[V]) touch() *V {
	e := h.keyed.current()
	h.keyed.store.Dirty(e)
	return h.cell.Ensure(e)
}

// Clear removes the key's state.
func (h held[V]) Clear() {
	e := h.keyed.current()
	h.cell.Clear(e)
	h.keyed.store.Dirty(e)
}

// NewValue declares a value.
func NewValue[V any](ctx *OpenContext, name string, codec state.Codec[V]) ValueState[V] {
	s := ValueState[V]{hold(ctx, name, codec)}
	show(ctx.keyed.job, codec)
	return s
}

// Get is the value, and whether there is one.
func (v ValueState[V]) Get() (value V, ok bool) {
	if p := v.live(); p != nil {
		return *p, true
	}
	return value, false
}

// Set changes the value.
func (v ValueState[V]) Set(value V) { *v.touch() = value }

// ListState is a list of values per key.
type ListState[V any] struct{ held[[]V] }

// NewList declares a list.
func NewList[V any](ctx *OpenContext, name string, element state.Codec[V]) ListState[V] {
	s := ListState[V]{hold(ctx, name, windowing.List(element))}
	show(ctx.keyed.job, element)
	return s
}

// All is the key's list, which the caller may not change or keep.
func (l ListState[V]) All() []V {
	if p := l.live(); p != nil {
		return *p
	}
	return nil
}

// Add appends to the list.
func (l ListState[V]) Add(vs ...V) {
	p := l.touch()
	*p = append(*p, vs...)
}

// Set replaces the list; vs is kept.
func (l ListState[V]) Set(vs []V) { *l.touch() = vs }

// MapState is a map per key. It is kept in memory and stored as one piece.
type MapState[K comparable, V any] struct {
	held[map[K]V]
	key state.Codec[K]
}

// NewMap declares a map.
func NewMap[K comparable, V any](ctx *OpenContext, name string, key state.Codec[K], value state.Codec[V]) MapState[K, V] {
	s := MapState[K, V]{hold[map[K]V](ctx, name, mapCodec[K, V]{key, value}), key}
	show(ctx.keyed.job, key)
	show(ctx.keyed.job, value)
	return s
}

// Get is the value under k, and whether there is one.
func (m MapState[K, V]) Get(k K) (v V, ok bool) {
	if p := m.live(); p != nil {
		v, ok = (*p)[k]
	}
	return v, ok
}

// Set puts v under k.
func (m MapState[K, V]) Set(k K, v V) {
	p := m.touch()
	if *p == nil {
		*p = map[K]V{}
	}
	(*p)[k] = v
}

// Delete removes k.
func (m MapState[K, V]) Delete(k K) {
	if p := m.live(); p != nil {
		delete(*m.touch(), k)
		if len(*p) == 0 {
			m.Clear()
		}
	}
}

// Len is the number of entries.
func (m MapState[K, V]) Len() int {
	if p := m.live(); p != nil {
		return len(*p)
	}
	return 0
}

// All is the entries in the order of their encoded keys, so that what is made of them does not depend on chance.
func (m MapState[K, V]) All() iter.Seq2[K, V] {
	return func(yield func(K, V) bool) {
		p := m.live()
		if p == nil {
			return
		}
		for _, e := range sorted(*p, m.key) {
			if !yield(e.key, (*p)[e.key]) {
				return
			}
		}
	}
}

type sortable[K comparable] struct {
	key  K
	code []byte
	err  error
}

func sorted[K comparable, V any](m map[K]V, codec state.Codec[K]) []sortable[K] {
	es := make([]sortable[K], 0, len(m))
	for k := range m {
		code, err := codec.Append(nil, k)
		es = append(es, sortable[K]{k, code, err})
	}
	slices.SortFunc(es, func(a, b sortable[K]) int { return bytes.Compare(a.code, b.code) })
	return es
}

// ReducingState combines what is added into one value per key.
type ReducingState[V any] struct {
	ValueState[V]
	combine func(a, b V) V
}

// NewReducing declares a reducing state.
func NewReducing[V any](ctx *OpenContext, name string, codec state.Codec[V], combine func(a, b V) V) ReducingState[V] {
	return ReducingState[V]{NewValue(ctx, name, codec), combine}
}

// Add combines v into the value.
func (r ReducingState[V]) Add(v V) {
	if old, ok := r.Get(); ok {
		v = r.combine(old, v)
	}
	r.Set(v)
}

// AggregatingState folds what is added into an accumulator per key.
type AggregatingState[V, A any] struct {
	ValueState[A]
	add func(a A, v V) A
}

// NewAggregating declares an aggregating state. add gets the zero value of A first.
func NewAggregating[V, A any](ctx *OpenContext, name string, codec state.Codec[A], add func(a A, v V) A) AggregatingState[V, A] {
	return AggregatingState[V, A]{NewValue(ctx, name, codec), add}
}

// Add folds v in.
func (g AggregatingState[V, A]) Add(v V) {
	a, _ := g.Get()
	g.Set(g.add(a, v))
}

type mapCodec[K comparable, V any] struct {
	key   state.Codec[K]
	value state.Codec[V]
}

func (c mapCodec[K, V]) ID() string { return "map<" + c.key.ID() + "," + c.value.ID() + ">" }

func (c mapCodec[K, V]) Append(dst []byte, m map[K]V) ([]byte, error) {
	dst = binary.AppendUvarint(dst, uint64(len(m)))
	for _, e := range sorted(m, c.key) {
		if e.err != nil {
			return dst, e.err
		}
		dst = binary.AppendUvarint(dst, uint64(len(e.code)))
		dst = append(dst, e.code...)
		at := len(dst)
		var err error
		if dst, err = c.value.Append(append(dst, 0, 0, 0, 0), m[e.key]); err != nil {
			return dst, err
		}
		binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst, nil
}

func (c mapCodec[K, V]) Decode(src []byte) (map[K]V, error) {
	short := fmt.Errorf("a map is cut short: %w", state.ErrCorrupt)
	n, k := binary.Uvarint(src)
	if k <= 0 || n > uint64(len(src)) {
		return nil, short
	}
	src = src[k:]
	m := make(map[K]V, n)
	for range n {
		size, k := binary.Uvarint(src)
		if k <= 0 || size > uint64(len(src)-k) {
			return nil, short
		}
		key, err := c.key.Decode(src[k : k+int(size)])
		if err != nil {
			return nil, err
		}
		src = src[k+int(size):]
		if len(src) < 4 || uint64(binary.BigEndian.Uint32(src)) > uint64(len(src)-4) {
			return nil, short
		}
		end := 4 + int(binary.BigEndian.Uint32(src))
		if m[key], err = c.value.Decode(src[4:end]); err != nil {
			return nil, err
		}
		src = src[end:]
	}
	return m, nil
}
