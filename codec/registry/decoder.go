package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/compat"
	"github.com/millrace/millrace/source"
)

// forgetAfter is how long an id that the registry does not know is taken for unknown before it is asked again.
const forgetAfter = 10 * time.Second

// Decoder reads framed records into the compiled type M. As a state codec it is the message's own: state has no frames. It is safe for concurrent use.
//
// What a record is refused for: ErrFrame, ErrNotFound for its schema, ErrWrongMessage, ErrIncompatible, and what the message's codec returns. When the registry
// cannot be asked about an id that is new, the error is marked by source.Temporary: the record is not bad, and the job starts again from its checkpoint.
type Decoder[M proto.Message] struct {
	*codec.ProtoCodec[M]
	client  *Client
	message protoreflect.MessageDescriptor
	names   []protoreflect.FullName // that the writer's message may have
	plain   bool

	known atomic.Pointer[map[int32]*verdict] // never changed once stored

	mu     sync.Mutex
	asking map[int32]*question // ids that are being looked up
}

// verdict is what is known of a schema id.
type verdict struct {
	schema Schema
	path   []int     // of the message in the schema
	short  []byte    // path in its shortest form
	err    error     // why no record of it is read
	until  time.Time // when err is to be doubted; zero for never
}

// question is a lookup that several tasks may wait for.
type question struct {
	done    chan struct{} // closed when the others are set
	verdict *verdict
	err     error
}

// DecoderOption changes what a Decoder accepts.
type DecoderOption func(*decoderConfig)

type decoderConfig struct {
	plain bool
	names []protoreflect.FullName
}

// AcceptPlain also reads values that are not framed, as plain messages: for topics that were written without a registry at first. The two cannot be
// confused: a framed value begins with 00, which no protobuf message does.
func AcceptPlain() DecoderOption { return func(c *decoderConfig) { c.plain = true } }

// AlsoNamed accepts writers whose message has one of these full names, beside the compiled type's own: for a message that was renamed or moved to
// another package. Its fields are compared all the same.
func AlsoNamed(names ...protoreflect.FullName) DecoderOption {
	return func(c *decoderConfig) { c.names = append(c.names, names...) }
}

// NewDecoder makes a decoder that reads messages by inner: codec.Proto[*pb.ClickEvent](codec.Aliased()).
func NewDecoder[M proto.Message](c *Client, inner *codec.ProtoCodec[M], opts ...DecoderOption) *Decoder[M] {
	var cfg decoderConfig
	for _, o := range opts {
		o(&cfg)
	}
	d := &Decoder[M]{ProtoCodec: inner, client: c, message: descriptor[M](), plain: cfg.plain, asking: map[int32]*question{}}
	d.names = append([]protoreflect.FullName{d.message.FullName()}, cfg.names...)
	d.known.Store(&map[int32]*verdict{})
	return d
}

func descriptor[M proto.Message]() protoreflect.MessageDescriptor {
	var m M
	return m.ProtoReflect().Descriptor()
}

// DecodeRecord implements source.Decoder. The message shares the record's memory if Aliases says so.
func (d *Decoder[M]) DecodeRecord(r *source.Raw) (M, error) {
	message, err := d.unframed(r.Value)
	if err != nil {
		var zero M
		return zero, err
	}
	return d.ProtoCodec.DecodeRecord(&source.Raw{Value: message, Scratch: r.Scratch})
}

// unframed is the message in a record's value, if it is one of ours.
func (d *Decoder[M]) unframed(value []byte) ([]byte, error) {
	if value == nil || d.plain && (len(value) == 0 || value[0] != magic) {
		return value, nil
	}
	id, path, message, err := split(value)
	if err != nil {
		return nil, err
	}
	v := (*d.known.Load())[id]
	if v == nil || v.err != nil || !bytes.Equal(path, v.short) {
		if err := d.admit(v, id, path); err != nil {
			return nil, err
		}
	}
	return message, nil
}

// admit decides about a record that is not plainly one of those seen before.
func (d *Decoder[M]) admit(v *verdict, id int32, path []byte) error {
	if v == nil || !v.until.IsZero() && time.Now().After(v.until) {
		var err error
		if v, err = d.judge(context.Background(), id); err != nil {
			return source.Temporary(err)
		}
	}
	switch {
	case v.err != nil:
		return v.err
	case !leadsTo(path, v.path):
		return fmt.Errorf("%w: message indexes %v of %s are %s, not %s", ErrWrongMessage, pathOf(path), v.schema, nameAt(v.schema.File, pathOf(path)), d.message.FullName())
	}
	return nil
}

// judge looks up a schema and compares it, once for all that ask at the same time. The error wraps ErrUnavailable; everything else is a verdict.
func (d *Decoder[M]) judge(ctx context.Context, id int32) (*verdict, error) {
	d.mu.Lock()
	q, asked := d.asking[id]
	if !asked {
		q = &question{done: make(chan struct{})}
		d.asking[id] = q
	}
	d.mu.Unlock()
	if asked {
		<-q.done
		return q.verdict, q.err
	}
	s, err := d.client.Schema(ctx, int(id))
	switch {
	case errors.Is(err, ErrUnavailable) || ctx.Err() != nil:
		q.err = err
	case errors.Is(err, ErrNotFound):
		q.verdict = &verdict{err: fmt.Errorf("%w; was the record written with another registry?", err), until: time.Now().Add(forgetAfter)}
	case err != nil:
		q.verdict = &verdict{err: err}
	default:
		q.verdict = d.compare(*s)
	}
	d.mu.Lock()
	if q.err == nil {
		d.learn(id, q.verdict)
	}
	delete(d.asking, id)
	d.mu.Unlock()
	close(q.done)
	return q.verdict, q.err
}

// learn replaces the map of what is known; d.mu is held.
func (d *Decoder[M]) learn(id int32, v *verdict) {
	old := *d.known.Load()
	known := make(map[int32]*verdict, len(old)+1)
	if len(old) < maxCached {
		for k, o := range old {
			known[k] = o
		}
	}
	known[id] = v
	d.known.Store(&known)
}

// compare finds the message in a writer's schema, and asks whether M reads it.
func (d *Decoder[M]) compare(s Schema) *verdict {
	v := &verdict{schema: s}
	var writer protoreflect.MessageDescriptor
	for _, name := range d.names {
		if writer = messageNamed(s.File, name); writer != nil {
			break
		}
	}
	if writer == nil {
		v.err = fmt.Errorf("%w: %s has no message %s; it has %s", ErrWrongMessage, s, d.message.FullName(), messageNames(s.File))
		return v
	}
	if found := compat.Reads(d.message, writer); len(found) > 0 {
		v.err = fmt.Errorf("%w: the compiled %s does not read what %s wrote (-> is from the one that wrote to the compiled one):\n%s", ErrIncompatible, d.message.FullName(), s, compat.Lines(found))
		return v
	}
	v.path = pathTo(writer)
	v.short = appendPath(nil, v.path)
	return v
}

// Check compares M with every version of the subject of a topic, also those that were deleted softly: all that records in the topic may have been written by.
// It returns the versions, none where nothing is registered, and keeps what it learned, so that the records of these versions cost no lookup. The error
// wraps ErrIncompatible or ErrWrongMessage and names each version, field and rule.
func (d *Decoder[M]) Check(ctx context.Context, topic string) ([]Schema, error) {
	versions, err := d.client.Versions(ctx, d.client.Subject(topic, d.message.FullName()), true)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, s := range versions {
		v := d.compare(s)
		errs = append(errs, v.err)
		d.mu.Lock()
		d.learn(int32(s.ID), v)
		d.mu.Unlock()
	}
	return versions, errors.Join(errs...)
}

// messageNamed finds a message of a file by its full name.
func messageNamed(f protoreflect.FileDescriptor, name protoreflect.FullName) (found protoreflect.MessageDescriptor) {
	eachMessage(f.Messages(), func(m protoreflect.MessageDescriptor) {
		if m.FullName() == name {
			found = m
		}
	})
	return found
}

func messageNames(f protoreflect.FileDescriptor) (names []protoreflect.FullName) {
	eachMessage(f.Messages(), func(m protoreflect.MessageDescriptor) { names = append(names, m.FullName()) })
	return names
}

func eachMessage(ms protoreflect.MessageDescriptors, do func(protoreflect.MessageDescriptor)) {
	for i := range ms.Len() {
		if m := ms.Get(i); !m.IsMapEntry() {
			do(m)
			eachMessage(m.Messages(), do)
		}
	}
}

// pathTo is the indexes that lead to a message from its file.
func pathTo(m protoreflect.MessageDescriptor) (path []int) {
	for d := protoreflect.Descriptor(m); ; d = d.Parent() {
		if _, ok := d.(protoreflect.FileDescriptor); ok {
			slices.Reverse(path)
			return path
		}
		path = append(path, d.Index())
	}
}

// nameAt names the message that indexes lead to.
func nameAt(f protoreflect.FileDescriptor, path []int) string {
	ms := f.Messages()
	name := "no message"
	for _, i := range path {
		if i >= ms.Len() {
			return "no message"
		}
		name = string(ms.Get(i).FullName())
		ms = ms.Get(i).Messages()
	}
	return name
}
