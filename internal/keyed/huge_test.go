//go:build !race

package keyed_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
)

// A value beyond the 4 GiB whose length an entry can tell is refused, with its state and key. Nothing of it is touched, so it takes no memory.
func TestValueAboveFourGiB(t *testing.T) {
	s, _ := oneShard(t)
	huge := codec.Func("huge/1", func(dst []byte, n int) ([]byte, error) {
		return append(make([]byte, 0, len(dst)+n), dst...)[:len(dst)+n], nil
	}, func([]byte) (int, error) { return 0, nil })
	cell := keyed.NewCell[int](s, "text", huge)
	e, _, err := s.Entry([]byte("k1"), 0)
	require.NoError(t, err)
	*cell.Ensure(e) = 4<<30 + 1
	s.Dirty(e)
	err = s.Snapshot(&state.Batch{})
	require.ErrorContains(t, err, `state "text" of key "k1": 4294967297 bytes are more than one entry can hold`)
}
