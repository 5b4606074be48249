package nexmark

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/sourcetest"
)

// made is what the generators of c make, each for itself.
func made(c Config) [][]Event {
	c = c.filled()
	all := make([][]Event, c.Generators)
	for i := range all {
		g := NewGenerator(c, i)
		all[i] = make([]Event, g.Len())
		for n := range all[i] {
			g.Make(int64(n), &all[i][n])
		}
	}
	return all
}

func TestSourceConformance(t *testing.T) {
	c := Config{Events: 10_003, Generators: 3, GroupSize: 10}
	sourcetest.Run(t, sourcetest.Config[Event]{Source: Source(c), Want: made(c), Positions: 6})
}

func TestConfigErrors(t *testing.T) {
	_, err := Source(Config{Rate: -1, BidSize: 1 << 20}).Open(context.Background(), source.Env{})
	require.EqualError(t, err, "nexmark: Rate is -1, want 1 to 2000000, or 0 for the default\nnexmark: BidSize is 1048576, want 1 to 2048, or 0 for the default")
}

func TestReaderOfAnotherConfig(t *testing.T) {
	s, err := Source(Config{Events: 100}).Open(context.Background(), source.Env{})
	require.NoError(t, err)
	_, err = s.Reader(context.Background(), source.Split{ID: "nexmark/1", Partition: 1}, 0)
	require.ErrorContains(t, err, "split nexmark/1: there is no generator 1 among 1")
	_, err = s.Reader(context.Background(), source.Split{ID: "nexmark/0"}, 101)
	require.ErrorContains(t, err, "split nexmark/0: position 101, want 0 to 100")
}

// Watermarks may hold back windows but never make an event late.
func TestWatermarkIsBeforeWhatFollows(t *testing.T) {
	for _, size := range []int64{1, 10, 1000} {
		c := Config{Events: 5000, Rate: 3000, GroupSize: size}
		g := NewGenerator(c, 0)
		follows := c.Watermarks().New()
		promised := int64(-1)
		disorder, latest := 0, int64(0)
		for n := range g.Len() {
			var e Event
			g.Make(n, &e)
			require.GreaterOrEqual(t, e.At, g.Watermark(n))
			require.Greater(t, e.At, promised)
			if e.At < latest {
				disorder++
			}
			latest = max(latest, e.At)
			promised = max(promised, follows.OnRecord(e, e.At))
		}
		require.Equal(t, size > 1, disorder > 0, "group size %d", size)
	}
}

func TestEventsCostNoAllocations(t *testing.T) {
	g := NewGenerator(Config{}, 0)
	var e Event
	n := int64(0)
	got := testing.AllocsPerRun(10, func() {
		for range 10_000 {
			g.Make(n, &e)
			n++
		}
	})
	require.Less(t, got, 10_000*0.01, "allocations for 10,000 events: blocks of strings, people and auctions only")
}
