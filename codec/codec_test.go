package codec_test

import (
	"encoding/hex"
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

type visit struct {
	Page  string         `json:"page"`
	Times int            `json:"times"`
	Tags  map[string]int `json:"tags,omitempty"`
}

var (
	_ state.Codec[*clickstreampb.ClickEvent]    = codec.Proto[*clickstreampb.ClickEvent]()
	_ source.Decoder[*clickstreampb.ClickEvent] = codec.Proto[*clickstreampb.ClickEvent]()
	_ state.Codec[*clickstreampb.ClickEvent]    = codec.ProtoJSON[*clickstreampb.ClickEvent]()
	_ source.Decoder[*clickstreampb.ClickEvent] = codec.ProtoJSON[*clickstreampb.ClickEvent]()
	_ source.Decoder[string]                    = codec.String()
	_ source.Decoder[[]byte]                    = codec.Bytes()
	_ source.Decoder[visit]                     = codec.JSON[visit](1)
)

// golden checks that v is written as these bytes and read back.
func golden[T any](t *testing.T, c state.Codec[T], v T, want string) {
	t.Helper()
	got, err := c.Append([]byte("ab"), v)
	require.NoError(t, err)
	require.Equal(t, "ab", string(got[:2]), "%s changed what stood before", c.ID())
	require.Equal(t, want, hex.EncodeToString(got[2:]), "%s of %v", c.ID(), v)
	back, err := c.Decode(got[2:])
	require.NoError(t, err)
	for i := range got {
		got[i] = 0xff // a value that aliases what it was read from changes now
	}
	require.Equal(t, v, back, c.ID())
}

func TestGoldenBytes(t *testing.T) {
	golden(t, codec.String(), "", "")
	golden(t, codec.String(), "é\x00", "c3a900")
	golden(t, codec.Bytes(), []byte{}, "")
	golden(t, codec.Bytes(), []byte{0, 255}, "00ff")
	golden(t, codec.Int64(), 0, "8000000000000000")
	golden(t, codec.Int64(), 1, "8000000000000001")
	golden(t, codec.Int64(), -1, "7fffffffffffffff")
	golden(t, codec.Int64(), math.MinInt64, "0000000000000000")
	golden(t, codec.Int64(), math.MaxInt64, "ffffffffffffffff")
	golden(t, codec.Int(), -2, "7ffffffffffffffe")
	golden(t, codec.Float64(), 0, "8000000000000000")
	golden(t, codec.Float64(), 1.5, "bff8000000000000")
	golden(t, codec.Float64(), -1.5, "4007ffffffffffff")
	golden(t, codec.Float64(), math.Inf(-1), "000fffffffffffff")
	golden(t, codec.Bool(), false, "00")
	golden(t, codec.Bool(), true, "01")
	golden(t, codec.JSON[visit](2), visit{"a", 1, map[string]int{"z": 1, "b": 2}}, hex.EncodeToString([]byte(`{"page":"a","times":1,"tags":{"b":2,"z":1}}`)))
	golden(t, codec.PairOf(codec.String(), codec.Bool()), codec.Pair[string, bool]{"ab", true}, "02616201")
	golden(t, codec.SliceOf(codec.String()), []string{"", "x"}, "000178")
	golden(t, codec.SliceOf(codec.SliceOf(codec.Bool())), [][]bool{{true}, nil, {false, true}}, "02"+"0101"+"00"+"04"+"0100"+"0101")
}

func TestIDs(t *testing.T) {
	require.Equal(t, "proto:clickstream.v1.ClickEvent", codec.Proto[*clickstreampb.ClickEvent]().ID())
	require.Equal(t, "proto:clickstream.v1.ClickEvent", codec.ProtoJSON[*clickstreampb.ClickEvent]().ID())
	require.Equal(t, "json:codec_test.visit/v3", codec.JSON[visit](3).ID())
	require.Equal(t, "json:visit/v3", codec.JSON[visit](3).Named("visit").ID())
	require.Equal(t, codec.Int64().ID(), codec.Int().ID(), "their bytes are the same")
	require.Equal(t, "pair(string,slice(int64))", codec.PairOf(codec.String(), codec.SliceOf(codec.Int64())).ID())
}

func TestNegativeZeroIsZero(t *testing.T) {
	pos, _ := codec.Float64().Append(nil, 0)
	neg, _ := codec.Float64().Append(nil, math.Copysign(0, -1))
	require.Equal(t, pos, neg)
}

func TestBytesSortLikeNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		x, _ := codec.Int64().Append(nil, a)
		y, _ := codec.Int64().Append(nil, b)
		require.Equal(t, a < b, string(x) < string(y))
		f, g := rapid.Float64().Draw(t, "f"), rapid.Float64().Draw(t, "g")
		x, _ = codec.Float64().Append(nil, f)
		y, _ = codec.Float64().Append(nil, g)
		require.Equal(t, f < g, string(x) < string(y))
		back, err := codec.Float64().Decode(x)
		require.NoError(t, err)
		require.Equal(t, f, back)
	})
}

func TestLongElements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SliceOfN(rapid.StringN(-1, -1, 20_000), 1, 5).Draw(t, "v")
		c := codec.SliceOf(codec.String())
		b, err := c.Append(nil, v)
		require.NoError(t, err)
		back, err := c.Decode(b)
		require.NoError(t, err)
		require.Equal(t, v, back)
	})
}

func TestMalformed(t *testing.T) {
	check := func(name string, err error) {
		t.Helper()
		require.ErrorIs(t, err, codec.ErrMalformed, name)
	}
	_, err := codec.Int64().Decode([]byte{1})
	check("short int64", err)
	_, err = codec.Float64().Decode(make([]byte, 9))
	check("long float64", err)
	_, err = codec.Bool().Decode([]byte{2})
	check("bool 2", err)
	_, err = codec.JSON[visit](1).Decode([]byte(`{"page":1}`))
	check("json type", err)
	require.ErrorContains(t, err, "page")
	_, err = codec.JSON[visit](1).Decode([]byte(`{} {}`))
	check("json tail", err)
	_, err = codec.SliceOf(codec.String()).Decode([]byte{5, 'a'})
	check("slice", err)
	_, err = codec.SliceOf(codec.String()).Decode([]byte{0x80, 0})
	check("length not in its shortest form", err)
	_, err = codec.PairOf(codec.String(), codec.String()).Decode(nil)
	check("pair", err)
	_, err = codec.JSON[visit](1).DecodeRecord(&source.Raw{})
	require.ErrorIs(t, err, codec.ErrNoValue)
}

func TestAppendErrorLeavesDst(t *testing.T) {
	c := codec.SliceOf(codec.JSON[float64](1))
	out, err := c.Append([]byte("ab"), []float64{1, math.NaN()})
	require.ErrorContains(t, err, "element 1")
	require.Equal(t, "ab", string(out))
}

func TestRecordsAreCopied(t *testing.T) {
	r := &source.Raw{Value: []byte("abc")}
	s, err := codec.String().DecodeRecord(r)
	require.NoError(t, err)
	b, err := codec.Bytes().DecodeRecord(r)
	require.NoError(t, err)
	r.Value[0] = 'X'
	require.Equal(t, "abc", s)
	require.Equal(t, "abc", string(b))
	b, err = codec.Bytes().DecodeRecord(&source.Raw{})
	require.NoError(t, err)
	require.Nil(t, b)
}
