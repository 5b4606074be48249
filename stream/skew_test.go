package stream_test

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/stream/streamtest"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// skewed is a log of two partitions over the same five hours: one has ten times the events of the other, and each event is of a key of its own.
func skewed() [][]event {
	log := make([][]event, 2)
	for p, every := range []int64{500, 5000} {
		for at := int64(0); at < (5 * time.Hour).Milliseconds(); at += every {
			log[p] = append(log[p], event{User: strconv.Itoa(p) + "/" + strconv.FormatInt(at, 10), At: at})
		}
	}
	return log
}

// byPrefix finds a key's partition before its slash.
var byPrefix = stream.Partitioner{Name: "by prefix", Partition: func(key []byte, _ int32) int32 {
	p, _, _ := strings.Cut(string(key), "/")
	n, _ := strconv.Atoi(p)
	return int32(n)
}}

// inFlight follows how many keys are in the job: each has one event and comes out in one pane.
type inFlight struct{ now, most atomic.Int64 }

func (f *inFlight) in(e event) event {
	if n := f.now.Add(1); n > f.most.Load() {
		f.most.Store(n)
	}
	return e
}

func (f *inFlight) out(e event) event { f.now.Add(-1); return e }

// hindered is a source whose first split takes its time for each chunk.
type hindered struct{ source.Source[event] }

func (h hindered) Open(ctx context.Context, env source.Env) (source.Session[event], error) {
	inner, err := h.Source.Open(ctx, env)
	return hinderedSession{inner}, err
}

type hinderedSession struct{ source.Session[event] }

func (s hinderedSession) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[event], error) {
	inner, err := s.Session.Reader(ctx, split, at)
	if split.Partition > 0 || err != nil {
		return inner, err
	}
	return hinderedReader{inner}, nil
}

type hinderedReader struct{ source.Reader[event] }

func (r hinderedReader) Fetch(ctx context.Context) (source.Chunk[event], error) {
	time.Sleep(500 * time.Microsecond)
	return r.Reader.Fetch(ctx)
}

// A replay of uneven partitions needs the state of the live job: behind an exchange because splits are kept together in event time, in a partition-local job
// because each partition closes its windows by its own clock, kept together or not.
func TestSkewedReplayIsBounded(t *testing.T) {
	log := skewed()
	const live = 1320 // keys at a moment: a window of both partitions
	for name, c := range map[string]struct {
		local bool
		drift time.Duration
		most  int64
		least int64 // that it comes to where nothing bounds it
	}{
		"exchange":                  {false, 0, 2 * live, 0},
		"exchange, not aligned":     {false, -1, 1 << 20, 2 * live},
		"partition-local":           {true, 0, 2 * live, 0},
		"partition-local, together": {true, 10 * time.Minute, 2 * live, 0},
	} {
		t.Run(name, func(t *testing.T) {
			j := newJob(stream.BatchSize(16))
			src := hindered{memory.Splits(log).WithCodec(eventCodec).WithChunkSize(100)}
			in := stream.WithCodec(stream.From[event](j, "log", src, watermark.BoundedOutOfOrderness(time.Second, eventTime).WithMaxDrift(c.drift)), eventCodec)
			var f inFlight
			marked := stream.WithCodec(stream.Map(in, f.in), eventCodec)
			keyed := stream.KeyBy(marked, userOf)
			if c.local {
				keyed = stream.KeyByPartition(marked, userOf, stream.PartitionedBy(byPrefix))
			}
			out := stream.Reduce(stream.Window(keyed, window.Tumbling(10*time.Minute)), "windows", func(_, b event) event { return b })
			rows := to(stream.Map(out, f.out))
			streamtest.Run(t, j)
			require.Len(t, rows.Rows(), len(log[0])+len(log[1]))
			t.Logf("%d of %d keys at once", f.most.Load(), len(log[0])+len(log[1]))
			require.LessOrEqual(t, f.most.Load(), c.most)
			require.GreaterOrEqual(t, f.most.Load(), c.least)
		})
	}
}

// A drift that is asked for keeps the partitions of a partition-local job together.
func TestAlignmentOfALocalJob(t *testing.T) {
	for _, drift := range []time.Duration{0, 300 * ms} {
		src := &metered{memory.Splits([][]int{upTo(5000), upTo(5000)}).WithChunkSize(100), map[string]chan struct{}{
			"memory/0": make(chan struct{}), "memory/1": make(chan struct{}),
		}}
		close(src.allowed["memory/0"])
		j := newJob(stream.CheckpointEvery(ms))
		list := to(stream.From[int](j, "numbers", src, watermark.Monotonous(atMilli).WithMaxDrift(drift)))
		_, ended := running(t, j)
		if drift == 0 {
			eventually(t, "the fast partition is read", func() bool { s := j.Status().Splits; return len(s) == 2 && s[0].Position == 5000 })
		} else {
			eventually(t, "the fast partition pauses", func() bool { s := j.Status().Splits; return len(s) == 2 && s[0].Paused })
			require.Less(t, j.Status().Splits[0].Position, int64(600))
		}
		close(src.allowed["memory/1"])
		require.NoError(t, <-ended)
		require.Len(t, list.Rows(), 10_000)
	}
}
