package codec_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
)

func click() *clickstreampb.ClickEvent {
	return &clickstreampb.ClickEvent{
		UserId: "user_0539", SessionId: "sess_003228", Url: "https://shop.example/home", EventType: "view", EventTimestamp: 1704368738000,
		Properties: map[string]string{"event": "home", "platform": "tablet", "channel": "paid_search", "lifecycle": "new"},
	}
}

func TestProtoGolden(t *testing.T) {
	b, err := codec.Proto[*clickstreampb.ClickEvent]().Append([]byte{7}, &clickstreampb.ClickEvent{UserId: "u", EventTimestamp: -1, Properties: map[string]string{"b": "2", "": "0", "aa": ""}})
	require.NoError(t, err)
	require.Equal(t, "07"+"0a0175"+"28ffffffffffffffffff01"+"3205"+"0a00"+"120130"+"3206"+"0a026161"+"1200"+"3206"+"0a0162"+"120132", hex.EncodeToString(b))
}

func drawClick(t *rapid.T) *clickstreampb.ClickEvent {
	return &clickstreampb.ClickEvent{
		UserId: rapid.String().Draw(t, "user"), Url: rapid.String().Draw(t, "url"), EventTimestamp: rapid.Int64().Draw(t, "ts"),
		Properties: rapid.MapOfN(rapid.String(), rapid.String(), 0, 40).Draw(t, "properties"),
	}
}

func TestProtoIsTheStandardDeterministicForm(t *testing.T) {
	safe, aliased := codec.Proto[*clickstreampb.ClickEvent](), codec.Proto[*clickstreampb.ClickEvent](codec.Aliased())
	rapid.Check(t, func(t *rapid.T) {
		m := drawClick(t)
		want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		require.NoError(t, err)
		for _, c := range []*codec.ProtoCodec[*clickstreampb.ClickEvent]{safe, aliased} {
			got, err := c.Append(nil, m)
			require.NoError(t, err)
			require.True(t, bytes.Equal(want, got), "%x, not %x", got, want) // of an empty message nil, or empty
			back, err := c.Decode(got)
			require.NoError(t, err)
			require.True(t, proto.Equal(m, back))
			back, err = c.DecodeRecord(&source.Raw{Value: append([]byte{}, got...)}) // nil would be a tombstone
			require.NoError(t, err)
			require.True(t, proto.Equal(m, back))
		}
	})
}

func TestProtoWithoutGeneratedFastPaths(t *testing.T) {
	c := codec.Proto[*structpb.Struct](codec.Aliased())
	require.False(t, c.Aliases())
	m, err := structpb.NewStruct(map[string]any{"z": 1.0, "a": map[string]any{"y": true, "b": []any{map[string]any{"q": 1.0, "c": nil}}}})
	require.NoError(t, err)
	b, err := c.Append(nil, m)
	require.NoError(t, err)
	for range 20 {
		again, err := c.Append(nil, m)
		require.NoError(t, err)
		require.Equal(t, b, again)
	}
	back, err := c.Decode(b)
	require.NoError(t, err)
	require.True(t, proto.Equal(m, back))
	require.Same(t, back, c.Keep(back))
}

func TestAliasedSharesTheRecordUntilKept(t *testing.T) {
	c := codec.Proto[*clickstreampb.ClickEvent](codec.Aliased())
	require.True(t, c.Aliases())
	b, err := c.Append(nil, click())
	require.NoError(t, err)
	m, err := c.DecodeRecord(&source.Raw{Value: b})
	require.NoError(t, err)
	kept, fromState := c.Keep(m), must(c.Decode(b))
	clear(b)
	require.NotEqual(t, "user_0539", m.GetUserId(), "the message was meant to share the record's memory")
	require.True(t, proto.Equal(click(), kept))
	require.True(t, proto.Equal(click(), fromState))
}

func TestSafeDoesNotAlias(t *testing.T) {
	c := codec.Proto[*clickstreampb.ClickEvent]()
	require.False(t, c.Aliases())
	b, err := c.Append(nil, click())
	require.NoError(t, err)
	m := must(c.DecodeRecord(&source.Raw{Value: b}))
	clear(b)
	require.True(t, proto.Equal(click(), m))
}

func TestProtoEmptyNilAndBroken(t *testing.T) {
	for _, c := range []*codec.ProtoCodec[*clickstreampb.ClickEvent]{codec.Proto[*clickstreampb.ClickEvent](), codec.Proto[*clickstreampb.ClickEvent](codec.Aliased())} {
		_, err := c.DecodeRecord(&source.Raw{})
		require.ErrorIs(t, err, codec.ErrNoValue)
		m, err := c.DecodeRecord(&source.Raw{Value: []byte{}})
		require.NoError(t, err)
		require.True(t, proto.Equal(&clickstreampb.ClickEvent{}, m))
		b, err := c.Append(nil, nil)
		require.NoError(t, err)
		require.Empty(t, b)
		m, err = c.DecodeRecord(&source.Raw{Value: []byte{0x0a, 9, 'x'}})
		require.ErrorIs(t, err, codec.ErrMalformed)
		require.ErrorContains(t, err, "clickstream.v1.ClickEvent")
		require.Nil(t, m)
	}
	c := codec.Proto[*wrapperspb.StringValue]()
	_, err := c.Append(nil, wrapperspb.String("\xff"))
	require.ErrorContains(t, err, "UTF-8")
	_, err = c.Decode([]byte{0x0a, 1, 0xff})
	require.ErrorIs(t, err, codec.ErrMalformed)
}

func TestInvalidUTF8SurvivesTheFastPath(t *testing.T) {
	c := codec.Proto[*clickstreampb.ClickEvent]()
	m := must(c.DecodeRecord(&source.Raw{Value: []byte{0x0a, 1, 0xff}}))
	b, err := c.Append(nil, m)
	require.NoError(t, err, "what could be read must be storable")
	require.Equal(t, []byte{0x0a, 1, 0xff}, b)
}

func TestProtoJSON(t *testing.T) {
	c := codec.ProtoJSON[*clickstreampb.ClickEvent]()
	for _, line := range []string{
		`{"user_id":"u","event_timestamp":1704368738000,"properties":{"a":"b"}}`,
		`{"userId":"u","eventTimestamp":"1704368738000","properties":{"a":"b"}}`,
	} {
		m, err := c.DecodeRecord(&source.Raw{Value: []byte(line)})
		require.NoError(t, err)
		require.Equal(t, "u", m.GetUserId())
		require.Equal(t, int64(1704368738000), m.GetEventTimestamp())
		require.Equal(t, "b", m.GetProperties()["a"])
		b, err := c.Append(nil, m)
		require.NoError(t, err)
		require.True(t, proto.Equal(m, must(c.Decode(b))), "stored in the binary form")
	}
	_, err := c.DecodeRecord(&source.Raw{Value: []byte(`{"user_idd":"u"}`)})
	require.ErrorIs(t, err, codec.ErrMalformed)
	require.ErrorContains(t, err, "user_idd")
	_, err = c.DecodeRecord(&source.Raw{Value: []byte(`{"event_timestamp":"noon"}`)})
	require.ErrorContains(t, err, "eventTimestamp")
	_, err = c.DecodeRecord(&source.Raw{})
	require.ErrorIs(t, err, codec.ErrNoValue)
	_, err = codec.ProtoJSON[*clickstreampb.ClickEvent](codec.DiscardUnknown()).DecodeRecord(&source.Raw{Value: []byte(`{"user_idd":"u"}`)})
	require.NoError(t, err)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ExampleProto() {
	c := codec.Proto[*clickstreampb.ClickEvent](codec.Aliased())
	b, err := c.Append(nil, &clickstreampb.ClickEvent{UserId: "ann", EventType: "view"})
	if err != nil {
		fmt.Println(err)
		return
	}
	m, err := c.DecodeRecord(&source.Raw{Value: b})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.ID(), m.GetUserId(), c.Keep(m).GetEventType())
	// Output: proto:clickstream.v1.ClickEvent ann view
}
