package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// roundTrip checks that what c accepts, it writes back to the same bytes or to ones that mean the same and are stable.
func roundTrip[T any](t *testing.T, c state.Codec[T], b []byte) {
	v, err := c.Decode(b)
	if err != nil {
		require.ErrorIs(t, err, codec.ErrMalformed, c.ID())
		return
	}
	first, err := c.Append(nil, v)
	require.NoError(t, err, c.ID())
	v, err = c.Decode(first)
	require.NoError(t, err, c.ID())
	second, err := c.Append(nil, v)
	require.NoError(t, err, c.ID())
	require.Equal(t, first, second, c.ID())
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte(`{"page":"a","tags":{"x":1}}`))
	f.Add([]byte{2, 'a', 'b', 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		roundTrip(t, codec.String(), b)
		roundTrip(t, codec.Bytes(), b)
		roundTrip(t, codec.Int64(), b)
		roundTrip(t, codec.Int(), b)
		roundTrip(t, codec.Float64(), b)
		roundTrip(t, codec.Bool(), b)
		roundTrip(t, codec.JSON[visit](1), b)
		roundTrip(t, codec.SliceOf(codec.PairOf(codec.String(), codec.Bool())), b)
	})
}

func FuzzProto(f *testing.F) {
	safe, aliased := codec.Proto[*clickstreampb.ClickEvent](), codec.Proto[*clickstreampb.ClickEvent](codec.Aliased())
	b, err := safe.Append(nil, click())
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte{0x32, 0, 0x3a, 1, 7})
	f.Fuzz(func(t *testing.T, b []byte) {
		roundTrip(t, safe, b)
		v, err := safe.Decode(b)
		a, aerr := aliased.DecodeRecord(&source.Raw{Value: append([]byte{}, b...)})
		require.Equal(t, err == nil, aerr == nil)
		if err == nil {
			k := aliased.Keep(a)
			require.True(t, proto.Equal(v, a) && proto.Equal(v, k))
		}
	})
}

func FuzzProtoJSON(f *testing.F) {
	c := codec.ProtoJSON[*clickstreampb.ClickEvent]()
	f.Add([]byte(`{"user_id":"u","eventTimestamp":"12","properties":{"a":"b"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if b == nil {
			b = []byte{}
		}
		v, err := c.DecodeRecord(&source.Raw{Value: b})
		if err != nil {
			require.ErrorIs(t, err, codec.ErrMalformed)
			return
		}
		enc, err := c.Append(nil, v)
		require.NoError(t, err)
		require.True(t, proto.Equal(v, must(c.Decode(enc))))
	})
}
