package stream_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/loggen"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
)

const minute = int64(time.Minute / time.Millisecond)

// hardLog is a generated log with all that is hard about event time, dealt by key.
func hardLog(seed uint64, n, partitions int) oracle.Log {
	var all []oracle.Event
	for e := range (loggen.Config{Seed: seed, Events: n}).All() {
		all = append(all, oracle.Event{Key: e.UserID, Timestamp: e.Timestamp, Kind: e.EventType})
	}
	return oracle.Split(slices.Values(all), partitions)
}

// A job that is stopped and started again, and one that fails and starts again, end with the same rows as one that ran through.
func TestStopAndGoOn(t *testing.T) {
	log := hardLog(7, 20_000, 4)
	for _, lateness := range []int64{0, 10 * minute} {
		want, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: lateness})
		require.NoError(t, err)
		for _, s := range []shape{
			{local: true, batch: 64, backend: pebblestate.Backend(), memory: 1 << 20, chunk: 50},
			{local: true, batch: 64, backend: memorystate.Backend(), chunk: 50},
			{parallelism: 3, batch: 64, backend: pebblestate.Backend(), memory: 1 << 20, chunk: 50},
			{parallelism: 2, batch: 5, backend: memorystate.Backend(), chunk: 50},
		} {
			for _, how := range []string{"stop", "fail"} {
				t.Run(fmt.Sprintf("%s/lateness%dm/%s", how, lateness/minute, s), func(t *testing.T) {
					rng := rand.New(rand.NewPCG(1, uint64(lateness)))
					dir := t.TempDir()
					src := memory.Splits(events(log)).WithCodec(eventCodec).WithChunkSize(s.chunk)
					table := sessionJob(t, src, s, 30*time.Minute, time.Minute, 0).sessions
					late := map[oracle.LateRow]bool{}
					var reads int64
					attempt := 0
					for ; ; attempt++ {
						require.Less(t, attempt, 200, "the job makes no progress")
						ctx, cancel := context.WithCancel(context.Background())
						limit := rng.Int64N(8000) + 500
						r := sessionJob(t, &interrupted{Source: src, after: limit, stop: func() error {
							if how == "stop" {
								cancel()
								return nil
							}
							return errBroken
						}}, s, 30*time.Minute, time.Minute, time.Duration(lateness)*time.Millisecond, stream.StateDir(dir), stream.StatusEvery(0))
						err := r.job.Run(ctx)
						cancel()
						merge(t, table, r.sessions.Changes())
						for _, l := range r.lateRows() {
							late[l] = true
						}
						reads += r.job.StateStats().Reads
						if how == "fail" && err != nil {
							require.ErrorIs(t, err, errBroken)
							continue
						}
						require.NoError(t, err)
						if finished(r.job) {
							break
						}
					}
					got := table.Rows()
					oracle.SortSessions(got)
					same(t, want.Sessions(), got)
					var gotLate []oracle.LateRow
					for l := range late {
						gotLate = append(gotLate, l)
					}
					sortLate(gotLate)
					wantLate := want.LateRows()
					sortLate(wantLate)
					same(t, wantLate, gotLate)
					if s.memory > 0 && attempt > 0 { // a stop that came too late left nothing to read back
						require.Positive(t, reads, "nothing was read back from the state")
					}
				})
			}
		}
	}
}

var errBroken = errors.New("broken on purpose")

func finished(j *stream.Job) bool {
	for _, s := range j.Status().Splits {
		if !s.Finished {
			return false
		}
	}
	return true
}

// merge applies a run's rows to the table that outlives the runs.
func merge(t testing.TB, table sink.Sink[oracle.SessionRow], rows []sink.Row[oracle.SessionRow]) {
	w, err := table.Open(context.Background(), sink.Env{})
	require.NoError(t, err)
	require.NoError(t, w.Write(context.Background(), rows))
	require.NoError(t, w.Close())
}

// interrupted is a source that calls stop after a number of records over all its splits.
type interrupted struct {
	*memory.Source[event]
	after int64
	stop  func() error
	seen  atomic.Int64
}

func (s *interrupted) Open(ctx context.Context, env source.Env) (source.Session[event], error) {
	inner, err := s.Source.Open(ctx, env)
	return interruptedSession{inner, s}, err
}

type interruptedSession struct {
	source.Session[event]
	of *interrupted
}

func (s interruptedSession) Reader(ctx context.Context, split source.Split, at int64) (source.Reader[event], error) {
	inner, err := s.Session.Reader(ctx, split, at)
	return interruptedReader{inner, s.of}, err
}

type interruptedReader struct {
	source.Reader[event]
	of *interrupted
}

func (r interruptedReader) Fetch(ctx context.Context) (source.Chunk[event], error) {
	c, err := r.Reader.Fetch(ctx)
	if err == nil && r.of.seen.Add(50) >= r.of.after {
		if err := r.of.stop(); err != nil {
			return nil, err
		}
	}
	time.Sleep(100 * time.Microsecond) // checkpoints happen
	return c, err
}
