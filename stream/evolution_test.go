package stream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/internal/oracle"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/state/savepoint"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

// flipped writes values of T so that no other codec reads them.
func flipped[T any](id string) codec.FuncCodec[T] {
	flip := func(b []byte) []byte {
		for i := range b {
			b[i] ^= 0x55
		}
		return b
	}
	return codec.Func(id, func(dst []byte, v T) ([]byte, error) {
		b, err := json.Marshal(v)
		return append(dst, flip(b)...), err
	}, func(src []byte) (v T, err error) {
		err = json.Unmarshal(flip(slices.Clone(src)), &v)
		return v, err
	})
}

func openSavepoint(t *testing.T, dir string) *savepoint.Savepoint {
	t.Helper()
	sp, err := savepoint.Open(dir)
	require.NoError(t, err)
	return sp
}

func unchanged[T any](v T) (T, error) { return v, nil }

// versions are two versions of a codec, each of which reads what the other wrote.
func versions[T any](v1, v2 state.Codec[T]) [2]state.Codec[T] {
	return [2]state.Codec[T]{codec.Migrating(v1, codec.From(v2, unchanged[T])), codec.Migrating(v2, codec.From(v1, unchanged[T]))}
}

var (
	eventVersions = versions[event](eventCodec, flipped[event]("event/v2"))
	countVersions = versions[int](codec.Int(), flipped[int]("count/v2"))
)

// edition is what a program that goes on from another's state may have changed.
type edition struct {
	shape
	events, counts int  // versions of codecs
	extra          bool // has a further operator with state, and its sink
	spare          bool // a function has a further state, declared before the others
}

func randomEdition(rng *rand.Rand) edition {
	b := []state.Backend{pebblestate.Backend(), memorystate.Backend()}[rng.IntN(2)]
	return edition{
		shape:  shape{parallelism: 1 + rng.IntN(4), batch: 1 + rng.IntN(64), backend: b, memory: 1 << 20, chunk: 50},
		events: rng.IntN(2), counts: rng.IntN(2), extra: rng.IntN(2) == 0, spare: rng.IntN(2) == 0,
	}
}

type userCount struct {
	User string
	N    int
}

// counter counts a key's records.
type counter struct {
	edition
	n     stream.ValueState[int]
	spare stream.ListState[int]
	seen  stream.MapState[string, int]
}

func (c *counter) Open(ctx *stream.OpenContext) error {
	if c.edition.spare {
		c.spare = stream.NewList(ctx, "spare", countVersions[c.counts])
	}
	if c.counts == 0 {
		c.n = stream.NewValue(ctx, "n", countVersions[c.counts])
	}
	c.seen = stream.NewMap(ctx, "seen", codec.String(), countVersions[c.counts])
	if c.counts != 0 {
		c.n = stream.NewValue(ctx, "n", countVersions[c.counts])
	}
	return nil
}

func (c *counter) Process(_ *stream.Context, in stream.Keyed[string, event], out *stream.Collector[userCount]) error {
	n, _ := c.n.Get()
	c.n.Set(n + 1)
	k, _ := c.seen.Get(in.Value.Kind)
	c.seen.Set(in.Value.Kind, k+1)
	total := 0
	for _, k := range c.seen.All() {
		total += k
	}
	if total != n+1 {
		return fmt.Errorf("%d records by kind, %d in all", total, n+1)
	}
	if c.edition.spare {
		c.spare.Set([]int{n})
	}
	out.Emit(userCount{in.Key, n + 1})
	return nil
}

type evolvingRun struct {
	sessionRun
	counts *sinkmemory.List[userCount]
}

// evolvingJob is the session job of an edition, which may have anything of it changed against the one whose state it goes on from.
func evolvingJob(t *testing.T, log oracle.Log, e edition, lateness time.Duration, wrap func(*memory.Source[event]) *interrupted, opts ...stream.JobOption) evolvingRun {
	t.Helper()
	src := memory.Splits(events(log)).WithCodec(eventVersions[e.events]).WithChunkSize(e.chunk)
	opts = append(opts, stream.StatusEvery(0), stream.DropState("extra"), stream.DropState("extra-out"), stream.DropState("count", "spare"))
	if e.extra {
		opts = append(opts, stream.NewState("extra"))
	}
	r := evolvingRun{sessionJob(t, wrap(src), e.shape, 30*time.Minute, time.Minute, lateness, opts...), &sinkmemory.List[userCount]{}}
	clicks := r.clicks
	if e.extra {
		windows := stream.Window(stream.KeyBy(clicks, userOf), window.Tumbling(time.Hour))
		stream.To(stream.Aggregate(windows, "extra", eventCount{}), "extra-out", &sinkmemory.List[int]{})
	}
	stream.To(stream.Process(stream.KeyBy(clicks, userOf), "count", stream.PerTask(func() *counter { return &counter{edition: e} })), "counts", r.counts)
	return r
}

// A job that is stopped with a savepoint again and again, and goes on as a program that has operators more and fewer, states more and fewer, other versions of codecs, another
// backend and another parallelism, ends with the results of the oracle.
func TestSavepointsMoveToChangedJobs(t *testing.T) {
	seeds := nightly.Pick(2, 60)
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(seed), 77))
			log := hardLog(uint64(100+seed), 6000, 4)
			const lateness = 10 * time.Minute
			want, err := oracle.Final(log, oracle.Params{Gap: 30 * minute, Bound: minute, Lateness: lateness.Milliseconds()})
			require.NoError(t, err)
			wantCounts := map[string]int{}
			for _, part := range log {
				for _, r := range part {
					wantCounts[r.Key]++
				}
			}
			base := t.TempDir()
			var table *sinkmemory.Table[string, oracle.SessionRow]
			counts := map[string]int{}
			from, moves := "", 0
			fates := map[state.Fate]int{}
			for turn := 0; ; turn++ {
				require.Less(t, turn, 200, "the job makes no progress")
				e := randomEdition(rng)
				dir, saved := filepath.Join(base, fmt.Sprint("state", turn)), filepath.Join(base, fmt.Sprint("saved", turn))
				opts := []stream.JobOption{stream.StateDir(dir)}
				if from != "" {
					opts = append(opts, stream.FromSavepoint(from))
				}
				var r evolvingRun
				asked := make(chan error, 1)
				var once sync.Once
				r = evolvingJob(t, log, e, lateness, func(src *memory.Source[event]) *interrupted {
					return &interrupted{Source: src, after: rng.Int64N(2000) + 300, stop: func() error {
						once.Do(func() {
							go func() {
								_, err := r.job.StopWithSavepoint(context.Background(), saved)
								asked <- err
							}()
						})
						time.Sleep(20 * time.Millisecond) // the job stops before its log is read
						return nil
					}}
				}, opts...)
				if from != "" {
					d := openSavepoint(t, from)
					plan, err := r.job.PlanState(d)
					require.NoError(t, err)
					require.NoError(t, plan.Err(), "%s", plan)
					for _, o := range plan.Operators {
						fates[o.Fate]++
					}
					_, err = r.job.CheckState(d)
					require.NoError(t, err)
				}
				require.NoError(t, r.job.Run(t.Context()), "edition %+v", e)
				if table == nil {
					table = r.sessions
				} else {
					merge(t, table, r.sessions.Changes())
				}
				for _, c := range r.counts.Rows() {
					counts[c.User] = max(counts[c.User], c.N)
				}
				if finished(r.job) {
					break
				}
				require.NoError(t, <-asked)
				from, moves = saved, moves+1
			}
			require.GreaterOrEqual(t, moves, 2)
			require.Positive(t, fates[state.Migrated]+fates[state.New]+fates[state.Dropped])
			got := table.Rows()
			oracle.SortSessions(got)
			same(t, want.Sessions(), got)
			require.Equal(t, wantCounts, maps.Clone(counts))
			if !t.Failed() {
				nightly.Record(t, nightly.Figures{Part: "savepoints into changed jobs", Seeds: 1, Cycles: int64(moves), Events: 6000})
			}
		})
	}
}
