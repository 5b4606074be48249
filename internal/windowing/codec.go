package windowing

import (
	"encoding/binary"
	"fmt"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/window"
)

// List is the codec of a slice: a count, then each element with its length.
func List[T any](element state.Codec[T]) state.Codec[[]T] { return listCodec[T]{element} }

type listCodec[T any] struct{ element state.Codec[T] }

func (c listCodec[T]) ID() string { return "list<" + c.element.ID() + ">" }

func (c listCodec[T]) Append(dst []byte, vs []T) ([]byte, error) {
	dst = binary.AppendUvarint(dst, uint64(len(vs)))
	for _, v := range vs {
		var err error
		if dst, err = appendSized(dst, c.element, v); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (c listCodec[T]) Decode(src []byte) ([]T, error) {
	r := reader{src: src}
	n := r.uvarint()
	if n > uint64(len(src)) {
		return nil, errShort
	}
	vs := make([]T, 0, n)
	for range n {
		v, err := readSized(&r, c.element)
		if err != nil {
			return nil, err
		}
		vs = append(vs, v)
	}
	return vs, r.err
}

// appendSized encodes v behind its length as four bytes.
func appendSized[V any](dst []byte, c state.Codec[V], v V) ([]byte, error) {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst, err := c.Append(dst, v)
	if err != nil {
		return dst, err
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst, nil
}

func readSized[V any](r *reader, c state.Codec[V]) (v V, err error) {
	b := r.sized()
	if r.err != nil {
		return v, r.err
	}
	return c.Decode(b)
}

var errShort = fmt.Errorf("cut short: %w", state.ErrCorrupt)

// reader takes stored bytes apart; the first shortage sticks in err.
type reader struct {
	src []byte
	err error
}

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.src)
	if n <= 0 {
		r.src, r.err = nil, errShort
		return 0
	}
	r.src = r.src[n:]
	return v
}

func (r *reader) varint() int64 {
	v, n := binary.Varint(r.src)
	if n <= 0 {
		r.src, r.err = nil, errShort
		return 0
	}
	r.src = r.src[n:]
	return v
}

func (r *reader) sized() []byte {
	if len(r.src) < 4 || uint64(len(r.src)-4) < uint64(binary.BigEndian.Uint32(r.src)) {
		r.src, r.err = nil, errShort
		return nil
	}
	n := binary.BigEndian.Uint32(r.src)
	b := r.src[4 : 4+n]
	r.src = r.src[4+n:]
	return b
}

// windowsCodec stores the windows of one key. Where records stand is there only where it was kept: flagPlaces for a window, shownPlaces for what it has shown.
type windowsCodec[A any] struct{ contents state.Codec[A] }

// Contents is the codec of the contents, a state.Codec[A].
func (c windowsCodec[A]) Contents() any { return c.contents }

func (c windowsCodec[A]) ID() string { return "windows/1<" + c.contents.ID() + ">" }

const (
	flagFired = 1 << iota
	flagEnded
	flagPlaces

	shownTold   = 1
	shownPlaces = 2
)

func (c windowsCodec[A]) Append(dst []byte, ws windows[A]) ([]byte, error) {
	dst = binary.AppendUvarint(dst, uint64(ws.count()))
	for i := range ws.count() {
		w := ws.at(i)
		dst = binary.AppendVarint(dst, w.Start)
		dst = binary.AppendVarint(dst, w.End)
		var flags uint64
		if w.fired {
			flags |= flagFired
		}
		if w.ended {
			flags |= flagEnded
		}
		if w.from != nil {
			flags |= flagPlaces
		}
		dst = binary.AppendUvarint(dst, flags)
		dst = binary.AppendVarint(dst, w.count)
		dst = binary.AppendVarint(dst, w.timer)
		if w.from != nil {
			dst = appendRanges(dst, w.from.list)
		}
		dst = binary.AppendUvarint(dst, uint64(len(w.shown)))
		for _, s := range w.shown {
			dst = binary.AppendVarint(dst, s.window.Start)
			dst = binary.AppendVarint(dst, s.window.End)
			dst = binary.AppendUvarint(dst, s.flags())
			if len(s.from) > 0 {
				dst = appendRanges(dst, s.from)
			}
			dst = binary.BigEndian.AppendUint32(dst, uint32(len(s.contents)))
			dst = append(dst, s.contents...)
		}
		var err error
		if dst, err = appendSized(dst, c.contents, w.contents); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

func (c windowsCodec[A]) Decode(src []byte) (ws windows[A], err error) {
	r := reader{src: src}
	n := r.uvarint()
	if n > uint64(len(src)) {
		return ws, errShort
	}
	for range n {
		w := ws.add()
		w.Start, w.End = r.varint(), r.varint()
		flags := r.uvarint()
		w.fired, w.ended = flags&flagFired != 0, flags&flagEnded != 0
		w.count, w.timer = r.varint(), r.varint()
		if flags&flagPlaces != 0 {
			w.from = &ranges{list: r.ranges()}
		}
		shown := r.uvarint()
		for range shown {
			s := pane{window: window.TimeWindow{Start: r.varint(), End: r.varint()}}
			flags := r.uvarint()
			if s.told = flags&shownTold != 0; flags&shownPlaces != 0 {
				s.from = r.ranges()
			}
			s.contents = append([]byte(nil), r.sized()...)
			if r.err != nil {
				return windows[A]{}, r.err
			}
			w.shown = append(w.shown, s)
		}
		if w.contents, err = readSized(&r, c.contents); err != nil {
			return windows[A]{}, err
		}
	}
	return ws, r.err
}

func (p *pane) flags() (flags uint64) {
	if p.told {
		flags |= shownTold
	}
	if len(p.from) > 0 {
		flags |= shownPlaces
	}
	return flags
}

// appendRanges stores a count, then each range as split + 1, first, last less first, and count.
func appendRanges(dst []byte, list []Range) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, p := range list {
		dst = binary.AppendUvarint(dst, uint64(p.Split+1))
		dst = binary.AppendVarint(dst, p.First)
		dst = binary.AppendVarint(dst, p.Last-p.First)
		dst = binary.AppendVarint(dst, p.Count)
	}
	return dst
}

func (r *reader) ranges() []Range {
	n := r.uvarint()
	if n > uint64(len(r.src)) {
		r.src, r.err = nil, errShort
		return nil
	}
	if n == 0 {
		return nil
	}
	list := make([]Range, n)
	for i := range list {
		list[i].Split = int32(r.uvarint()) - 1
		list[i].First = r.varint()
		list[i].Last = list[i].First + r.varint()
		list[i].Count = r.varint()
	}
	return list
}
