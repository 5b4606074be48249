package nexmark

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/state"
)

// kept holds the bytes of a value fixed, and has every shorter and longer text refused.
func kept[T any](t *testing.T, c state.Codec[T], v T, want string) {
	t.Helper()
	b, err := c.Append(nil, v)
	require.NoError(t, err)
	require.Equal(t, want, string(b), c.ID())
	back, err := c.Decode(b)
	require.NoError(t, err)
	require.Equal(t, v, back)
	for n := range b {
		_, err := c.Decode(b[:n])
		require.ErrorIs(t, err, codec.ErrMalformed, "%s: %d of %d bytes", c.ID(), n, len(b))
	}
	_, err = c.Decode(append(b, 0))
	require.ErrorIs(t, err, codec.ErrMalformed, c.ID())
}

func TestStateBytes(t *testing.T) {
	kept(t, bidCodec, Bid{1, 2, 3, 4, "xy"}, "\x02\x04\x06\x08\x04xy")
	kept(t, auctionCodec, Auction{1, "a", "b", 2, 3, 4, 5, 6, 7, ""}, "\x02\x04\x06\x08\x0a\x0c\x0e\x02a\x02b\x00")
	kept(t, mostCodec, most{9, []int64{1, 300}}, "\x12\x04\x02\xd8\x04")
	kept(t, arrivalCodec, arrival{person: true, id: 5, name: "Al"}, "\x02\x0a\x00\x04Al")
	kept(t, totalCodec, total{-1, 2}, "\x01\x04")
	kept(t, sellerCodec, seller{"n", "c", "OR", 5}, "\x02n\x02c\x04OR\x0a")
	kept(t, unsoldCodec, unsold{1, 2}, "\x02\x04")
}

func FuzzState(f *testing.F) {
	f.Add([]byte("\x02\x04\x06\x08\x04xy"))
	f.Add([]byte("\x12\x04\x02\xd8\x04"))
	f.Add([]byte("\x02\x04\x06\x08\x0a\x0c\x0e\x02a\x02b\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		stable(t, bidCodec, b)
		stable(t, auctionCodec, b)
		stable(t, mostCodec, b)
		stable(t, arrivalCodec, b)
		stable(t, sellerCodec, b)
	})
}

// stable checks that what c accepts it writes to bytes that it reads back.
func stable[T any](t *testing.T, c state.Codec[T], b []byte) {
	v, err := c.Decode(b)
	if err != nil {
		require.ErrorIs(t, err, codec.ErrMalformed, c.ID())
		return
	}
	first, err := c.Append(nil, v)
	require.NoError(t, err, c.ID())
	again, err := c.Decode(first)
	require.NoError(t, err, c.ID())
	require.Equal(t, v, again, c.ID())
}
