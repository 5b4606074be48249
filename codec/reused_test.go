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
				scratch := &source.Scratch{Reuse: true}
				var last *clickstreampb.ClickEvent
				var kept, wanted []*clickstreampb.ClickEvent
				for range 3 {
					want := drawClick(t)
					bytes, err := plain.Append([]byte{}, want)
					require.NoError(t, err)
					got, err := c.DecodeRecord(&source.Raw{Value: bytes, Scratch: scratch})
					require.NoError(t, err)
					require.True(t, proto.Equal(want, got))
					require.True(t, last == nil || last == got, "another message")
					last = got
					kept, wanted = append(kept, c.Keep(got)), append(wanted, want)
				}
				_, err := c.DecodeRecord(&source.Raw{Value: []byte{0xff}, Scratch: scratch})
				require.ErrorIs(t, err, codec.ErrMalformed)
				_, err = c.DecodeRecord(&source.Raw{Scratch: scratch})
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
		codec   *clickCodec
		scratch *source.Scratch
	}{
		{codec.Proto[*clickstreampb.ClickEvent](codec.Reused()), nil}, {codec.Proto[*clickstreampb.ClickEvent](codec.Reused()), &source.Scratch{}},
		{codec.Proto[*clickstreampb.ClickEvent](), &source.Scratch{Reuse: true}}, {codec.Proto[*clickstreampb.ClickEvent](codec.Aliased()), &source.Scratch{Reuse: true}},
	} {
		raw := &source.Raw{Value: []byte{}, Scratch: c.scratch}
		one, err := c.codec.DecodeRecord(raw)
		require.NoError(t, err)
		other, err := c.codec.DecodeRecord(raw)
		require.NoError(t, err)
		require.NotSame(t, one, other)
	}
}

// Messages without generated fast paths can be reused too.
func TestReusedWithoutGeneratedFastPaths(t *testing.T) {
	c := codec.Proto[*wrapperspb.StringValue](codec.Reused())
	scratch := &source.Scratch{Reuse: true}
	first, err := c.DecodeRecord(&source.Raw{Value: []byte("\x0a\x01a"), Scratch: scratch})
	require.NoError(t, err)
	kept := c.Keep(first)
	second, err := c.DecodeRecord(&source.Raw{Value: []byte{}, Scratch: scratch})
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
	raw := &source.Raw{Value: value, Scratch: &source.Scratch{Reuse: true}}
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		if _, err := c.DecodeRecord(raw); err != nil {
			panic(err)
		}
	}))
}

// Messages that are made together are as good as messages that were made alone, and no two are the same.
func TestBlocksOfMessages(t *testing.T) {
	c := codec.Proto[*clickstreampb.ClickEvent](codec.Aliased())
	scratch := &source.Scratch{Reuse: true}
	seen := map[*clickstreampb.ClickEvent]bool{}
	var values [][]byte
	var all []*clickstreampb.ClickEvent
	for i := range 200 {
		e := click()
		e.EventTimestamp = int64(i)
		value, err := c.Append(nil, e)
		require.NoError(t, err)
		m, err := c.DecodeRecord(&source.Raw{Value: value, Scratch: scratch})
		require.NoError(t, err)
		require.False(t, seen[m])
		seen[m] = true
		values, all = append(values, value), append(all, m)
	}
	for i, m := range all {
		value, err := c.Append(nil, m)
		require.NoError(t, err)
		require.Equal(t, values[i], value)
	}
	raw := &source.Raw{Value: values[0]}
	alone := testing.AllocsPerRun(1000, func() { _, _ = c.DecodeRecord(raw) })
	raw.Scratch = &source.Scratch{}
	require.Less(t, testing.AllocsPerRun(1000, func() { _, _ = c.DecodeRecord(raw) }), alone)
}

// skipping is a decoder of a user's own around a codec: its records have a byte before the message.
type skipping struct{ *clickCodec }

func (s skipping) DecodeRecord(r *source.Raw) (*clickstreampb.ClickEvent, error) {
	inner := *r
	inner.Value = r.Value[1:]
	return s.clickCodec.DecodeRecord(&inner)
}

// What embeds a codec and has a DecodeRecord of its own is asked for all records, and may hand on what it was given.
func TestReusedWithinAnotherDecoder(t *testing.T) {
	c := skipping{codec.Proto[*clickstreampb.ClickEvent](codec.Aliased(), codec.Reused())}
	value, err := c.Append([]byte{7}, click())
	require.NoError(t, err)
	raw := &source.Raw{Value: value, Scratch: &source.Scratch{Reuse: true}}
	one, err := c.DecodeRecord(raw)
	require.NoError(t, err)
	require.True(t, proto.Equal(click(), one))
	other, err := c.DecodeRecord(raw)
	require.NoError(t, err)
	require.Same(t, one, other)
}
