package codec

import (
	"reflect"
	"unsafe"

	"google.golang.org/protobuf/proto"

	"github.com/millrace/millrace/source"
)

var _ source.Reuser[proto.Message] = (*ProtoCodec[proto.Message])(nil)

// Reuses reports whether the codec was made with Reused.
func (c *ProtoCodec[M]) Reuses() bool { return c.reused }

// Reusing implements source.Reuser.
func (c *ProtoCodec[M]) Reusing() source.Decoder[M] { return &reusing[M]{c, c.fresh()} }

// reusing reads all records into one message.
type reusing[M proto.Message] struct {
	codec *ProtoCodec[M]
	m     M
}

// DecodeRecord implements source.Decoder.
func (r *reusing[M]) DecodeRecord(raw *source.Raw) (M, error) {
	if raw.Value == nil {
		var zero M
		return zero, noValue(r.codec.id)
	}
	r.codec.reset(r.m)
	return r.codec.read(raw.Value, r.m)
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
