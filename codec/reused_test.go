package codec_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
)

type clickCodec = codec.ProtoCodec[*clickstreampb.ClickEvent]

// A reader's message has what is in its record and nothing of the ones before; what is kept stays as it was.
func TestReused(t *testing.T) {
	plain := codec.Proto[*clickstreampb.ClickEvent]()
	for name, c := range map[string]*clickCodec{
		"copied": codec.Proto[*clickstreampb.ClickEvent](codec.Reused()), "aliased": codec.Proto[*clickstreampb.ClickEvent](codec.Reused(), codec.Aliased()),
	} {
		t.Run(name, func(t *testing.T) {
			require.True(t, c.Reuses())
			require.True(t, c.Aliases(), "it has to be kept")
			rapid.Check(t, func(t *rapid.T) {
				d := source.ForReader[*clickstreampb.ClickEvent](c, source.Env{Reuse: true})
				var last *clickstreampb.ClickEvent
				var kept, wanted []*clickstreampb.ClickEvent
				for range 3 {
					want := drawClick(t)
					bytes, err := plain.Append([]byte{}, want)
					require.NoError(t, err)
					got, err := d.DecodeRecord(&source.Raw{Value: bytes})
					require.NoError(t, err)
					require.True(t, proto.Equal(want, got))
					require.True(t, last == nil || last == got, "another message")
					last = got
					kept, wanted = append(kept, c.Keep(got)), append(wanted, want)
				}
				_, err := d.DecodeRecord(&source.Raw{Value: []byte{0xff}})
				require.ErrorIs(t, err, codec.ErrMalformed)
				_, err = d.DecodeRecord(&source.Raw{})
				require.ErrorIs(t, err, codec.ErrNoValue)
				for i := range kept {
					require.True(t, proto.Equal(wanted[i], kept[i]))
				}
			})
		})
	}
}

// An engine that did not ask for it, and a codec that was not told to, make a message for each record.
func TestReusedOnlyWhereBothAgree(t *testing.T) {
	for _, c := range []struct {
		codec *clickCodec
		env   source.Env
	}{{codec.Proto[*clickstreampb.ClickEvent](codec.Reused()), source.Env{}}, {codec.Proto[*clickstreampb.ClickEvent](), source.Env{Reuse: true}}} {
		d := source.ForReader[*clickstreampb.ClickEvent](c.codec, c.env)
		one, err := d.DecodeRecord(&source.Raw{Value: []byte{}})
		require.NoError(t, err)
		other, err := d.DecodeRecord(&source.Raw{Value: []byte{}})
		require.NoError(t, err)
		require.NotSame(t, one, other)
	}
}

// Messages without generated fast paths can be reused too.
func TestReusedWithoutGeneratedFastPaths(t *testing.T) {
	c := codec.Proto[*wrapperspb.StringValue](codec.Reused())
	d := c.Reusing()
	first, err := d.DecodeRecord(&source.Raw{Value: []byte("\x0a\x01a")})
	require.NoError(t, err)
	kept := c.Keep(first)
	second, err := d.DecodeRecord(&source.Raw{Value: []byte{}})
	require.NoError(t, err)
	require.Same(t, first, second)
	require.Empty(t, second.Value)
	require.Equal(t, "a", kept.Value)
}

// Nothing is allocated for a record, map and all.
func TestReusedDoesNotAllocate(t *testing.T) {
	c := codec.Proto[*clickstreampb.ClickEvent](codec.Reused(), codec.Aliased())
	value, err := c.Append(nil, click())
	require.NoError(t, err)
	d, raw := c.Reusing(), &source.Raw{Value: value}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if _, err := d.DecodeRecord(raw); err != nil {
			panic(err)
		}
	}))
}
