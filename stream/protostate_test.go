package stream_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/compat/protofile"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// One message as three programs have it, in the place of generated types.
var (
	cartV1  = cartSchema(`int64 sum = 1; string currency = 2;`)
	cartV2  = cartSchema(`int64 sum = 1; reserved 2; repeated int64 last = 3;`)
	cartBad = cartSchema(`string sum = 1; string currency = 2;`)
)

func cartSchema(fields string) protoreflect.MessageDescriptor {
	f, err := protofile.Parse(context.Background(), "shop/cart.proto", `syntax = "proto3"; package shop.v1; message Cart { `+fields+` }`, nil)
	if err != nil {
		panic(err)
	}
	return f.Messages().Get(0)
}

type cartOne struct{ dynamic }
type cartTwo struct{ dynamic }
type cartThree struct{ dynamic }

func (c *cartOne) ProtoReflect() protoreflect.Message   { return c.of(cartV1) }
func (c *cartTwo) ProtoReflect() protoreflect.Message   { return c.of(cartV2) }
func (c *cartThree) ProtoReflect() protoreflect.Message { return c.of(cartBad) }

type dynamic struct{ m *dynamicpb.Message }

func (d *dynamic) of(md protoreflect.MessageDescriptor) protoreflect.Message {
	if d.m == nil {
		d.m = dynamicpb.NewMessage(md)
	}
	return d.m
}

// fill adds numbers to the sum of a message, whatever else it has.
type fill[M protoreflect.ProtoMessage] struct {
	codec state.Codec[M]
	fresh func() M
	cart  stream.ValueState[M]
}

func (f *fill[M]) Open(ctx *stream.OpenContext) error {
	f.cart = stream.NewValue(ctx, "cart", f.codec)
	return nil
}

func (f *fill[M]) Process(_ *stream.Context, in stream.Keyed[int, int], out *stream.Collector[int64]) error {
	cart, ok := f.cart.Get()
	if !ok {
		cart = f.fresh()
	}
	m := cart.ProtoReflect()
	fields := m.Descriptor().Fields()
	sum := m.Get(fields.ByName("sum")).Int() + int64(in.Value)
	m.Set(fields.ByName("sum"), protoreflect.ValueOfInt64(sum))
	if last := fields.ByName("last"); last != nil {
		m.Mutable(last).List().Append(protoreflect.ValueOfInt64(int64(in.Value)))
	} else {
		m.Set(fields.ByName("currency"), protoreflect.ValueOfString("EUR"))
	}
	f.cart.Set(cart)
	out.Emit(sum)
	return nil
}

func cartJob[M protoreflect.ProtoMessage](c state.Codec[M], fresh func() M, log []int, opts ...stream.JobOption) (*stream.Job, *sinkmemory.List[int64]) {
	j := newJob(append(opts, stream.NoDrain())...)
	in := stream.From(j, "numbers", memory.Of(log...), watermark.Monotonous(atMilli))
	return j, to(stream.Process(stream.KeyBy(in, func(int) int { return 0 }), "carts", stream.PerTask(func() *fill[M] { return &fill[M]{codec: c, fresh: fresh} })))
}

// State that V1 of a message wrote is read by V2, with a field more and one less, and again by V1 after a roll-back; a program that gives a number to another
// field is refused, by the plan and by Run.
func TestProtobufFieldsComeAndGo(t *testing.T) {
	v1, v2 := codec.Proto[*cartOne](), codec.Proto[*cartTwo]()
	for _, b := range []state.Backend{pebblestate.Backend(), memorystate.Backend()} {
		t.Run(b.String(), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "state")
			opts := []stream.JobOption{stream.StateDir(dir), stream.Backend(b)}
			plan := func(j *stream.Job) *stream.StatePlan {
				store, err := b.Open(dir, 0)
				require.NoError(t, err)
				defer func() { require.NoError(t, store.Close()) }()
				p, err := j.PlanState(store)
				require.NoError(t, err)
				return p
			}
			j, list := cartJob(v1, func() *cartOne { return &cartOne{} }, upTo(3), opts...)
			require.NoError(t, j.Run(t.Context()))
			require.Equal(t, []int64{0, 1, 3}, list.Rows())

			j, list = cartJob(v2, func() *cartTwo { return &cartTwo{} }, upTo(4), opts...)
			p := plan(j)
			require.NoError(t, p.Err())
			require.Equal(t, state.Kept, p.Operator("carts").Fate)
			require.Equal(t, []state.FieldChange{
				{Field: "shop.v1.Cart.currency = 2", Fate: state.FieldRemoved, Was: "string"},
				{Field: "shop.v1.Cart.last = 3", Fate: state.FieldAdded, Is: "repeated int64"},
			}, p.Operator("carts").Cell("cart").Fields)
			require.Contains(t, p.String(), "shop.v1.Cart.currency = 2")
			require.NoError(t, j.Run(t.Context()))
			require.Equal(t, []int64{6}, list.Rows())

			// Both fields are in the bytes, the one unknown.
			store, err := b.Open(dir, 0)
			require.NoError(t, err)
			found := 0
			require.NoError(t, store.Scan([]byte("s"), []byte("t"), func(_, v []byte) bool {
				require.Contains(t, string(v), "EUR")
				require.Contains(t, string(v), "\x1a\x01\x03")
				found++
				return true
			}))
			require.Equal(t, 1, found)
			require.NoError(t, store.Close())

			bad, _ := cartJob(codec.Proto[*cartThree](), func() *cartThree { return &cartThree{} }, upTo(5), opts...)
			p = plan(bad)
			for _, err := range []error{p.Err(), bad.Run(t.Context())} {
				require.ErrorIs(t, err, stream.ErrShape)
				require.ErrorContains(t, err, "shop.v1.Cart.sum = 1 int64 -> string")
			}
			j, list = cartJob(v1, func() *cartOne { return &cartOne{} }, upTo(5), opts...)
			require.NoError(t, plan(j).Err())
			require.NoError(t, j.Run(t.Context()))
			require.Equal(t, []int64{10}, list.Rows())
		})
	}
}
