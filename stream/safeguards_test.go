package stream_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// Each checkpoint is one moment of the whole job: what was read before it has ended before it, whichever way it took.
func TestLedgerBalancesAtEveryCheckpoint(t *testing.T) {
	j := newJob(stream.CheckpointEvery(ms), stream.DefaultParallelism(2), stream.BatchSize(3))
	s := stream.From(j, "numbers", memory.Splits([][]int{upTo(30_000), upTo(30_000), upTo(30_000)}).WithChunkSize(50), watermark.Monotonous(atMilli))
	spread := stream.Rebalance(s, 2)
	to(stream.Reduce(stream.Window(stream.KeyBy(spread, func(n int) int { return n % 13 }), window.Tumbling(10*ms)), "sums", sum))
	require.NoError(t, j.Run(t.Context()))
	require.Greater(t, j.Count("checkpoints"), int64(5), "too few to see anything")
	require.Zero(t, j.Count("ledger_unbalanced"))
}

// A record that is late for its split is late after a restart too: event time goes on where it was.
func TestLateStaysLateAfterARestart(t *testing.T) {
	dir := t.TempDir()
	for _, log := range [][]int{{5, 100}, {5, 100, 6, 101}} {
		j := newJob(append(durable(dir), stream.NoDrain())...)
		s := stream.From(j, "numbers", memory.Of(log...), watermark.Monotonous(atMilli))
		late := to2(stream.Late(sumWindows(s)), "late")
		require.NoError(t, j.Run(t.Context()))
		if len(log) == 4 {
			require.Equal(t, []int{6}, late.Rows())
			require.Equal(t, "4 in = 3 used + 1 late", j.Status().Ledger.Total().String())
		}
	}
}

func sumWindows(s stream.DataStream[int]) stream.WindowedStream[struct{}, int] {
	w := stream.Window(stream.All(s), window.Tumbling(10*ms))
	to(stream.Reduce(w, "sums", sum))
	return w
}

// A job that goes on reads each record once.
func TestPositionGoesWithTheState(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []int{10, 20, 35} {
		j := newJob(append(durable(dir), stream.NoDrain())...)
		rows := to(stream.From(j, "numbers", memory.Of(upTo(n)...), watermark.Monotonous(atMilli)))
		require.NoError(t, j.Run(t.Context()))
		require.Equal(t, n-1, rows.Rows()[len(rows.Rows())-1])
		require.EqualValues(t, n, j.Status().Ledger.Total().In)
	}
}
