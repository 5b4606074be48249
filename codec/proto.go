package codec

import (
	"fmt"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/millrace/millrace/source"
)

// fastMessage is what protoc-gen-go-vtproto generates with the features marshal, unmarshal and size.
type fastMessage interface {
	SizeVT() int
	MarshalToSizedBufferVT([]byte) (int, error)
	UnmarshalVT([]byte) error
}

// aliasingMessage is its feature unmarshal_unsafe.
type aliasingMessage interface{ UnmarshalVTUnsafe([]byte) error }

// ProtoCodec writes protobuf messages in the binary format, map entries sorted, and reads records whose value is such a message.
//
// Where the message has the methods that protoc-gen-go-vtproto generates, they are used; the bytes are the same. Those methods do not check that
// strings are valid UTF-8. A nil message is written as an empty one.
type ProtoCodec[M proto.Message] struct {
	id       string
	fresh    func() M
	fast     bool // M is a fastMessage
	aliased  bool // records are read through aliasingMessage
	reused   bool // records are read into one message
	reset    func(M)
	block    func([]M) []M
	hasBytes bool // some field within is of type bytes
	order    *mapOrder
}

// ProtoOption changes how Proto reads records.
type ProtoOption func(*protoConfig)

type protoConfig struct{ aliased, reused bool }

// Aliased lets decoded messages share the record's memory: strings and bytes fields point into it, which saves most allocations. It has an effect
// only on messages with UnmarshalVTUnsafe (protoc-gen-go-vtproto, feature unmarshal_unsafe).
//
// The source must then not reuse a record's memory, and none of Millrace's does. Bytes fields must be neither changed nor appended to. A string that is
// kept pins the whole fetch buffer it came from, and a message some others that were read with it: Keep a message, or strings.Clone a string, before storing it for long. Decode, which reads
// the state, never aliases.
func Aliased() ProtoOption { return func(c *protoConfig) { c.aliased = true } }

// Reused has each reader read all its records into one message, which saves the rest of the allocations. Functions may look at a message only until they return, and
// copy what they keep of it; its strings may be kept, with Aliased as it says. Windows that hold records copy them. A job that would hand such messages to another task
// or to a sink does not start: map them to a type of your own before, or leave Reused out.
func Reused() ProtoOption { return func(c *protoConfig) { c.reused = true } }

// Proto is the codec of a generated message type: codec.Proto[*pb.ClickEvent](). The second type argument follows from the first.
func Proto[M interface {
	*E
	proto.Message
}, E any](opts ...ProtoOption) *ProtoCodec[M] {
	var cfg protoConfig
	for _, o := range opts {
		o(&cfg)
	}
	c := &ProtoCodec[M]{fresh: func() M { return new(E) }, block: blocks[M]}
	md := c.fresh().ProtoReflect().Descriptor()
	c.id = "proto:" + string(md.FullName())
	shape := shapeOf(md)
	c.hasBytes = shape.bytes
	// The fast methods know neither groups nor extensions, which only proto2 has.
	if _, ok := any(c.fresh()).(fastMessage); ok && !shape.proto2 {
		c.fast = true
		c.order = shape.order
		_, canAlias := any(c.fresh()).(aliasingMessage)
		c.aliased = cfg.aliased && canAlias
	}
	c.reused = cfg.reused
	emptied := emptier[E]()
	c.reset = func(m M) { emptied((*E)(m)) }
	return c
}

// ID is "proto:" and the message's full name.
func (c *ProtoCodec[M]) ID() string { return c.id }

// Aliases reports whether messages have to be copied by Keep to be kept: they share the record's memory, or come again with the next record.
func (c *ProtoCodec[M]) Aliases() bool { return c.aliased || c.reused }

func (c *ProtoCodec[M]) Append(dst []byte, v M) ([]byte, error) {
	if !c.fast {
		out, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(dst, v)
		if err != nil {
			return dst, fmt.Errorf("codec %s: %w", c.id, err)
		}
		return out, nil
	}
	out, err := appendFast(dst, any(v).(fastMessage))
	if err != nil {
		return dst, fmt.Errorf("codec %s: %w", c.id, err)
	}
	if c.order != nil {
		c.order.sort(out[len(dst):])
	}
	return out, nil
}

// appendFast appends the message with map entries in Go's random order.
func appendFast(dst []byte, m fastMessage) ([]byte, error) {
	n := m.SizeVT()
	out := slices.Grow(dst, n)[:len(dst)+n]
	if _, err := m.MarshalToSizedBufferVT(out[len(dst):]); err != nil {
		return dst, err
	}
	return out, nil
}

func (c *ProtoCodec[M]) Decode(src []byte) (M, error) {
	m := c.fresh()
	var err error
	if c.fast {
		err = any(m).(fastMessage).UnmarshalVT(src)
	} else {
		err = proto.Unmarshal(src, m)
	}
	if err != nil {
		var zero M
		return zero, malformed(c.id, err)
	}
	return m, nil
}

// DecodeRecord reads the record's value. The message shares its memory if Aliases says so.
func (c *ProtoCodec[M]) DecodeRecord(r *source.Raw) (M, error) {
	if r.Value == nil {
		var zero M
		return zero, noValue(c.id)
	}
	return c.read(r.Value, c.message(r.Scratch))
}

// read reads a record's value into an empty message.
func (c *ProtoCodec[M]) read(value []byte, m M) (M, error) {
	var err error
	switch {
	case c.aliased:
		err = any(m).(aliasingMessage).UnmarshalVTUnsafe(value)
	case c.fast:
		err = any(m).(fastMessage).UnmarshalVT(value)
	default:
		err = proto.Unmarshal(value, m)
	}
	if err != nil {
		var zero M
		return zero, framed(malformed(c.id, err), value)
	}
	return m, nil
}

// framed adds to the error of a value that begins as no message does, but as a schema registry's wire format.
func framed(err error, value []byte) error {
	if len(value) > 5 && value[0] == 0 {
		return fmt.Errorf("%w; it begins like a record in a schema registry's wire format: read those with package codec/registry", err)
	}
	return err
}

var scratch = sync.Pool{New: func() any { return new([]byte) }}

// scratchLimit is the largest buffer that goes back to the pool.
const scratchLimit = 64 << 10

// Keep returns a message that shares no memory with any record, for storing it: v itself unless Aliases, a copy otherwise.
// Copies go through the encoding, since cloning a message copies its strings' headers only.
func (c *ProtoCodec[M]) Keep(v M) M {
	if !c.Aliases() {
		return v
	}
	if !c.aliased { // its strings are its own
		return proto.CloneOf(v)
	}
	m := c.fresh()
	if !c.hasBytes {
		// One buffer of the exact size holds all strings. It belongs to the copy alone, and strings can't be written to.
		b, err := appendFast(nil, any(v).(fastMessage))
		if err == nil {
			err = any(m).(aliasingMessage).UnmarshalVTUnsafe(b)
		}
		return orClone(v, m, err)
	}
	buf := scratch.Get().(*[]byte)
	b, err := appendFast((*buf)[:0], any(v).(fastMessage))
	if err == nil {
		err = any(m).(fastMessage).UnmarshalVT(b)
	}
	if cap(b) <= scratchLimit {
		*buf = b
		scratch.Put(buf)
	}
	return orClone(v, m, err)
}

// orClone is m, or where a message could not be read back from its own encoding, which generated code does not do, a clone of v.
func orClone[M proto.Message](v, m M, err error) M {
	if err != nil {
		return proto.CloneOf(v)
	}
	return m
}
