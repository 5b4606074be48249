package codec

import (
	"reflect"
	"unsafe"

	"google.golang.org/protobuf/proto"

	"github.com/millrace/millrace/source"
)

// Reuses reports whether the codec was made with Reused.
func (c *ProtoCodec[M]) Reuses() bool { return c.reused }

// supply is where the messages of a reader come from.
type supply[M proto.Message] struct {
	one  M // into which all records are read
	made bool
	some []M // of a block of messages, those from next on are not used yet
	next int
}

// message is where a reader's next record goes.
func (c *ProtoCodec[M]) message(in *source.Scratch) M {
	reuse := c.reused && in != nil && in.Reuse
	if in == nil || !reuse && !c.aliased { // a message with memory of its own shares none with other messages either
		return c.fresh()
	}
	s, ok := in.Value.(*supply[M])
	if !ok {
		s = &supply[M]{}
		in.Value = s
	}
	switch {
	case !reuse:
		if s.next == len(s.some) {
			s.some, s.next = c.block(s.some[:0]), 0
		}
		s.next++
		return s.some[s.next-1]
	case s.made:
		c.reset(s.one)
	default:
		s.one, s.made = c.fresh(), true
	}
	return s.one
}

// blockBytes is the memory of messages that are made together, about a page. What keeps one of them keeps all, as it keeps the whole fetch buffer.
const blockBytes = 4 << 10

// blocks makes messages, a block at a time.
func blocks[M interface{ *E }, E any](dst []M) []M {
	block := make([]E, max(1, blockBytes/max(1, unsafe.Sizeof(*new(E)))))
	for i := range block {
		dst = append(dst, &block[i])
	}
	return dst
}

// emptier makes a message like new, but for the memory of its maps from text to text, which stays: making those is what costs most.
func emptier[E any]() func(*E) {
	t := reflect.TypeFor[E]()
	var maps []uintptr
	for i := range t.NumField() {
		if f := t.Field(i); f.Type == reflect.TypeFor[map[string]string]() {
			maps = append(maps, f.Offset)
		}
	}
	if len(maps) != 1 {
		return func(m *E) {
			var empty E
			*m = empty
		}
	}
	return func(m *E) {
		field := (*map[string]string)(unsafe.Add(unsafe.Pointer(m), maps[0]))
		kept := *field
		clear(kept)
		var empty E
		*m = empty
		*field = kept
	}
}
