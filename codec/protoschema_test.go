package codec_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/compat/protofile"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/state"
)

// Schemas of one message at three times. The generated type of a program is what each of them has in its place.
var (
	orderV1 = order(`message Order { string id = 1; int64 cents = 2; repeated Item items = 3; Place place = 4; enum Place { NONE = 0; SHOP = 1; } }
		message Item { string sku = 1; map<string, Tag> tags = 2; } message Tag { bytes b = 1; } message Unrelated { int32 x = 1; }`)
	orderV2 = order(`message Order { string id = 1; int64 cents = 2; repeated Item items = 3; string note = 5; reserved 4; }
		message Item { string sku = 1; map<string, Tag> tags = 2; uint32 pieces = 3; } message Tag { bytes b = 1; string color = 2; }`)
	orderBad = order(`message Order { string number = 1; string cents = 2; Item items = 3; } message Item { string sku = 1; }`)
)

func order(text string) protoreflect.MessageDescriptor {
	f, err := protofile.Parse(context.Background(), "shop/order.proto", `syntax = "proto3"; package shop.v1; `+text, nil)
	if err != nil {
		panic(err)
	}
	return f.Messages().ByName("Order")
}

type (
	v1  struct{ message }
	v2  struct{ message }
	bad struct{ message }
)

type message struct{ m *dynamicpb.Message }

func (m *message) of(md protoreflect.MessageDescriptor) protoreflect.Message {
	if m.m == nil {
		m.m = dynamicpb.NewMessage(md)
	}
	return m.m
}
func (m *v1) ProtoReflect() protoreflect.Message  { return m.of(orderV1) }
func (m *v2) ProtoReflect() protoreflect.Message  { return m.of(orderV2) }
func (m *bad) ProtoReflect() protoreflect.Message { return m.of(orderBad) }

func TestProtoFieldsThatDiffer(t *testing.T) {
	old, now := codec.Proto[*v1](), codec.Proto[*v2]()
	same, err := old.Compare(old.Schema())
	require.NoError(t, err)
	require.Empty(t, same)

	changes, err := now.Compare(old.Schema())
	require.NoError(t, err)
	require.Equal(t, []state.FieldChange{
		{Field: "shop.v1.Tag.color = 2", Fate: state.FieldAdded, Is: "string"},
		{Field: "shop.v1.Item.pieces = 3", Fate: state.FieldAdded, Is: "uint32"},
		{Field: "shop.v1.Order.place = 4", Fate: state.FieldRemoved, Was: "Order.Place"},
		{Field: "shop.v1.Order.note = 5", Fate: state.FieldAdded, Is: "string"},
	}, changes)

	changes, err = codec.Proto[*bad]().Compare(old.Schema())
	require.NoError(t, err)
	fates := map[string]state.FieldFate{}
	for _, c := range changes {
		fates[c.Field] = c.Fate
		if c.Fate == state.FieldMisread {
			require.NotEmpty(t, c.Why)
		}
	}
	require.Equal(t, map[string]state.FieldFate{
		"shop.v1.Order.id = 1": state.FieldChanged, "shop.v1.Order.cents = 2": state.FieldMisread, "shop.v1.Order.items = 3": state.FieldMisread,
		"shop.v1.Order.place = 4": state.FieldRemoved, "shop.v1.Item.tags = 2": state.FieldRemoved,
	}, fates)

	_, err = now.Compare([]byte("x"))
	require.Error(t, err)
	_, err = codec.Proto[*clickstreampb.ClickEvent]().Compare(old.Schema())
	require.ErrorContains(t, err, "clickstream.v1.ClickEvent")
}

// What newer fields older code does not know stays in the bytes that it writes.
func TestUnknownFieldsAreKept(t *testing.T) {
	old, now := codec.Proto[*v1](), codec.Proto[*v2]()
	first := &v2{}
	m := first.ProtoReflect()
	m.Set(orderV2.Fields().ByName("id"), protoreflect.ValueOfString("a"))
	m.Set(orderV2.Fields().ByName("note"), protoreflect.ValueOfString("fragile"))
	b, err := now.Append(nil, first)
	require.NoError(t, err)
	between, err := old.Decode(b)
	require.NoError(t, err)
	between.ProtoReflect().Set(orderV1.Fields().ByName("cents"), protoreflect.ValueOfInt64(5))
	b, err = old.Append(nil, between)
	require.NoError(t, err)
	last, err := now.Decode(b)
	require.NoError(t, err)
	m.Set(orderV2.Fields().ByName("cents"), protoreflect.ValueOfInt64(5))
	require.True(t, proto.Equal(first, last), "%v", last)
}

func TestSchemaHasOnlyWhatIsReached(t *testing.T) {
	require.NotContains(t, string(codec.Proto[*v1]().Schema()), "Unrelated")
	require.Equal(t, codec.Proto[*v1]().Schema(), codec.Proto[*v1]().Schema())
	click := codec.Proto[*clickstreampb.ClickEvent]()
	require.Less(t, len(click.Schema()), 1000)
	same, err := click.Compare(click.Schema())
	require.NoError(t, err)
	require.Empty(t, same)
}
