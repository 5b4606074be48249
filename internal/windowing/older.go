package windowing

import (
	"fmt"
	"strings"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
)

// older reads what another codec wrote; it stands in that codec's place where only reading is done.
type older[T any] struct {
	id   string
	read func(src []byte) (T, error)
}

func (c older[T]) ID() string                   { return c.id }
func (c older[T]) Decode(src []byte) (T, error) { return c.read(src) }
func (c older[T]) Append(dst []byte, _ T) ([]byte, error) {
	return dst, fmt.Errorf("%s is only read", c.id)
}

// inner is the ID within one that is made as head<id>.
func inner(id, head string) (string, bool) {
	rest, ok := strings.CutPrefix(id, head+"<")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(rest, ">")
}

// From reads lists of elements that were written under another ID.
func (c listCodec[T]) From(id string) func([]byte) ([]T, error) {
	element, ok := inner(id, "list")
	if !ok {
		return nil
	}
	read := state.ReaderOf(c.element, element)
	if read == nil {
		return nil
	}
	return listCodec[T]{older[T]{element, read}}.Decode
}

// Parts is the element's codec.
func (c listCodec[T]) Parts() []state.Form { return []state.Form{c.element} }

// From reads windows whose contents were written under another ID. What a window has shown is kept as bytes, and is written anew.
func (c windowsCodec[A]) From(id string) func([]byte) (windows[A], error) {
	contents, ok := inner(id, "windows/1")
	if !ok {
		return nil
	}
	read := state.ReaderOf(c.contents, contents)
	if read == nil {
		return nil
	}
	stored := windowsCodec[A]{older[A]{contents, read}}
	return func(src []byte) (windows[A], error) {
		ws, err := stored.Decode(src)
		if err != nil {
			return ws, err
		}
		for i := range ws.count() {
			l := ws.at(i)
			for k := range l.shown {
				shown := &l.shown[k]
				a, err := read(shown.contents)
				if err != nil {
					return windows[A]{}, err
				}
				if shown.contents, err = c.contents.Append(nil, a); err != nil {
					return windows[A]{}, err
				}
			}
		}
		return ws, nil
	}
}

// Parts is the codec of the contents.
func (c windowsCodec[A]) Parts() []state.Form { return []state.Form{c.contents} }

// Declare declares the cell that an Operator with such contents keeps its windows in.
func Declare[A any](s *keyed.Store, contents state.Codec[A]) {
	keyed.NewCell(s, cellName, windowsCodec[A]{contents})
}

const cellName = "windows"
