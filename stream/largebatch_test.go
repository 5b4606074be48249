package stream_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// overdue sets a timer at the first record, takes its time with it, and emits how many records came before the timer's turn.
type overdue struct{ records int }

func (o *overdue) Open(*stream.OpenContext) error { return nil }

func (o *overdue) Process(ctx *stream.Context, _ stream.Keyed[int, int], _ *stream.Collector[int]) error {
	if o.records++; o.records == 1 {
		ctx.SetProcessingTimer(ctx.ProcessingTime().Add(time.Millisecond))
		time.Sleep(10 * time.Millisecond)
	}
	return nil
}

func (o *overdue) OnTimer(_ *stream.Context, _ stream.Keyed[int, int], _ time.Time, out *stream.Collector[int]) error {
	out.Emit(o.records)
	return nil
}

// However large a batch is, timers, snapshots and the memory budget have their turn between its records.
func TestALargeBatchHoldsUpNothing(t *testing.T) {
	const records = 50_000
	numbers := make([]int, records)
	j := stream.NewJob("alarm", stream.DefaultParallelism(2), stream.BatchSize(records), stream.BufferTimeout(time.Hour), stream.MemoryBudget(1<<30))
	in := stream.From(j, "numbers", memory.Of(numbers...).WithChunkSize(records), watermark.None(func(int) time.Time { return time.UnixMilli(0) }))
	out := stream.Process(stream.KeyBy(in, identity), "overdue", stream.PerTask(func() *overdue { return &overdue{} }))
	list := &sinkmemory.List[int]{}
	stream.To(out, "list", list)
	require.NoError(t, j.Run(t.Context()))
	require.Len(t, list.Rows(), 1)
	require.Less(t, list.Rows()[0], 1000)
}
