package stream_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/internal/partitioner"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// look is a page that a user sees; the n-th of the user.
type look struct {
	User, Page string
	At         int64
	N          int
}

// looks keeps a state of every kind. fails is told of each look.
type looks struct {
	fails func(look) error
	count stream.ValueState[int]
	last  stream.ValueState[look]
	pages stream.ListState[string]
	seen  stream.MapState[string, int]
}

func (p *looks) Open(ctx *stream.OpenContext) error {
	p.count = stream.NewValue(ctx, "count", codec.Int())
	p.last = stream.NewValue(ctx, "last", codec.JSON[look](1))
	p.pages = stream.NewList(ctx, "pages", codec.String())
	p.seen = stream.NewMap(ctx, "seen", codec.String(), codec.Int())
	return nil
}

func (p *looks) Process(ctx *stream.Context, in stream.Keyed[string, look], out *stream.Collector[look]) error {
	if p.fails != nil {
		if err := p.fails(in.Value); err != nil {
			return err
		}
	}
	n, _ := p.count.Get()
	p.count.Set(n + 1)
	p.last.Set(in.Value)
	if n < 3 {
		p.pages.Add(in.Value.Page)
	}
	c, _ := p.seen.Get(in.Value.Page)
	p.seen.Set(in.Value.Page, c+1)
	if n < 3 {
		ctx.SetEventTimer(time.UnixMilli(in.Value.At + time.Hour.Milliseconds()))
		ctx.SetProcessingTimer(ctx.ProcessingTime().Add(1000 * time.Hour))
	}
	out.Emit(in.Value)
	return nil
}

func (p *looks) OnTimer(*stream.Context, stream.Keyed[string, look], time.Time, *stream.Collector[look]) error {
	return nil
}

// looksJob counts the looks of each user and, beside it, puts them into sessions and counts those of an hour.
func looksJob(log *memory.Live[look], local bool, fails func(look) error, options ...stream.JobOption) *stream.Job {
	j := newJob(append([]stream.JobOption{stream.DefaultParallelism(2), stream.CheckpointEvery(5 * ms), stream.BatchSize(16)}, options...)...)
	src := log.WithCodec(codec.JSON[look](1))
	in := stream.From(j, "looks", src, watermark.BoundedOutOfOrderness(0, func(v look) time.Time { return time.UnixMilli(v.At) }))
	key := func(v look) string { return v.User }
	byUser := stream.KeyBy(in, key)
	if local {
		byUser = stream.KeyByPartition(in, key)
	}
	stream.To(stream.Process(byUser, "users", stream.PerTask(func() *looks { return &looks{fails: fails} })), "seen", &sinkmemory.List[look]{})
	stream.To(stream.Process(stream.Window(byUser, window.EventTimeSession(time.Minute)), "sessions", lengths{}), "lengths", &sinkmemory.List[int]{})
	stream.To(stream.Aggregate(stream.Window(byUser, window.Tumbling(time.Hour)), "hours", countVisits{}), "counts", &sinkmemory.List[int]{})
	return j
}

type lengths struct{}

func (lengths) Process(_ *stream.Context, p stream.Pane[string, look], out *stream.Collector[int]) error {
	out.Emit(len(p.Elements))
	return nil
}

type countVisits struct{}

func (countVisits) New() int                                        { return 0 }
func (countVisits) Add(n int, _ look) int                           { return n + 1 }
func (countVisits) Merge(a, b int) int                              { return a + b }
func (countVisits) Result(_ string, _ window.TimeWindow, n int) int { return n }

// splitOf is where a producer puts a user's looks.
func splitOf(user string) int { return int(partitioner.Murmur2([]byte(user), 2)) }

func appendVisits(t *testing.T, log *memory.Live[look], vs ...look) {
	t.Helper()
	for _, v := range vs {
		require.NoError(t, log.Append(splitOf(v.User), v))
	}
}

// runningTasks runs a job and waits until its tasks can be asked.
func runningTasks(t *testing.T, j *stream.Job) (stop context.CancelFunc, ended <-chan error) {
	t.Helper()
	stop, ended = running(t, j)
	eventually(t, "the tasks begin", func() bool { return j.Queryable()[0].Tasks == 2 })
	return stop, ended
}

// await asks until the answer is as it is to be.
func await(t *testing.T, j *stream.Job, operator, user string, is func(*stream.KeyState) bool) *stream.KeyState {
	t.Helper()
	for until := time.Now().Add(time.Minute); time.Now().Before(until); {
		s, err := stream.QueryKey(t.Context(), j, operator, user)
		if !errors.Is(err, stream.ErrNoTask) {
			require.NoError(t, err)
		}
		if err == nil && is(s) {
			return s
		}
		runtime.Gosched()
	}
	t.Fatalf("%s: %s does not come to what is awaited", operator, user)
	return nil
}

func counted(t *testing.T, n int) func(*stream.KeyState) bool {
	return func(s *stream.KeyState) bool {
		got, _, err := stream.StateOf[int](s, "count")
		require.NoError(t, err)
		return got == n
	}
}

// A running job tells all that it keeps of a key, however it is keyed and wherever its state lies, with the task at rest.
func TestQueryKey(t *testing.T) {
	for _, local := range []bool{false, true} {
		for _, backend := range []state.Backend{memorystate.Backend(), pebblestate.Backend()} {
			t.Run(fmt.Sprintf("local %v, %s", local, backend), func(t *testing.T) {
				t.Parallel()
				log := memory.NewLive[look](2)
				j := looksJob(log, local, nil, stream.StateDir(t.TempDir()), stream.Backend(backend))
				stop, ended := runningTasks(t, j)
				appendVisits(t, log, look{"ada", "/", 1000, 1}, look{"bob", "/", 2000, 1}, look{"ada", "/cart", 3000, 2}, look{"ada", "/", 200_000, 3})
				s := await(t, j, "users", "ada", counted(t, 3))
				last, ok, err := stream.StateOf[look](s, "last")
				require.NoError(t, err)
				require.True(t, ok)
				require.Equal(t, look{"ada", "/", 200_000, 3}, last)
				pages, _, err := stream.StateOf[[]string](s, "pages")
				require.NoError(t, err)
				require.Equal(t, []string{"/", "/cart", "/"}, pages)
				seen, _, err := stream.StateOf[map[string]int](s, "seen")
				require.NoError(t, err)
				require.Equal(t, map[string]int{"/": 2, "/cart": 1}, seen)
				timers, err := s.EventTimers()
				require.NoError(t, err)
				require.Equal(t, []time.Time{time.UnixMilli(3_601_000), time.UnixMilli(3_603_000), time.UnixMilli(3_800_000)}, timers)
				timers, err = s.ProcessingTimers()
				require.NoError(t, err)
				require.NotEmpty(t, timers)
				require.Equal(t, []byte("ada"), s.Key)
				require.False(t, s.Committed)

				// The first session of ada is closed, in a partition-local job by her own looks.
				s = await(t, j, "sessions", "ada", func(s *stream.KeyState) bool {
					ws, err := stream.WindowsOf[[]look](s)
					require.NoError(t, err)
					return len(ws) == map[bool]int{true: 1, false: 2}[local]
				})
				ws, err := stream.WindowsOf[[]look](s)
				require.NoError(t, err)
				require.Equal(t, stream.OpenWindow[[]look]{TimeWindow: window.TimeWindow{Start: 200_000, End: 260_000}, Contents: []look{{"ada", "/", 200_000, 3}}, Records: 1}, ws[len(ws)-1])
				s = await(t, j, "hours", "ada", func(s *stream.KeyState) bool {
					ws, err := stream.WindowsOf[int](s)
					require.NoError(t, err)
					return len(ws) == 1 && ws[0].Contents == 3
				})
				require.Equal(t, []stream.StateCell{{Name: "windows", Codec: "windows/1<optional<int64>>"}}, s.Cells)

				// A key that never came has nothing, and says so by nil.
				s, err = stream.QueryKey(t.Context(), j, "users", "eve")
				require.NoError(t, err)
				require.Nil(t, s)
				n, ok, err := stream.StateOf[int](s, "count")
				require.NoError(t, err)
				require.False(t, ok)
				require.Zero(t, n)

				all := j.Queryable()
				require.Len(t, all, 3)
				require.Equal(t, "users", all[0].Operator)
				require.Equal(t, "string", all[0].KeyCodec)
				require.Equal(t, 2, all[0].Tasks)
				require.Contains(t, all[0].Cells, stream.StateCell{Name: "seen", Codec: "map<string,int64>"})
				require.Contains(t, j.StateDecoders(), codec.JSON[look](1).ID())
				stop()
				require.NoError(t, <-ended)
				_, err = stream.QueryKey(t.Context(), j, "users", "ada")
				require.ErrorIs(t, err, stream.ErrNotRunning)
			})
		}
	}
}

func TestQueryMistakes(t *testing.T) {
	log := memory.NewLive[look](2)
	j := looksJob(log, false, nil)
	_, err := stream.QueryKey(t.Context(), j, "users", "ada")
	require.ErrorIs(t, err, stream.ErrNotRunning)
	require.Equal(t, []stream.StateCell{}, j.Queryable()[0].Cells)
	stop, ended := runningTasks(t, j)
	appendVisits(t, log, look{"ada", "/", 1000, 1})
	s := await(t, j, "users", "ada", counted(t, 1))
	for name, ask := range map[string]func() error{
		`"looks"`:  func() error { _, err := stream.QueryKey(t.Context(), j, "looks", "ada"); return err },
		`"nobody"`: func() error { _, err := j.QueryBytes(t.Context(), "nobody", nil); return err },
	} {
		require.ErrorIs(t, ask(), stream.ErrNoState)
		require.ErrorContains(t, ask(), name)
	}
	_, err = stream.QueryKey(t.Context(), j, "users", 1)
	require.ErrorContains(t, err, `the keys of operator "users" (string) are not of type int`)
	_, _, err = stream.StateOf[string](s, "count")
	require.ErrorIs(t, err, stream.ErrNoCell)
	require.ErrorContains(t, err, "is kept as int64, which is not a string")
	_, _, err = stream.StateOf[int](s, "counts")
	require.ErrorIs(t, err, stream.ErrNoCell)
	_, err = stream.WindowsOf[int](s)
	require.ErrorIs(t, err, stream.ErrNoCell)
	stop()
	require.NoError(t, <-ended)
}

// A task that is held up by a user's function does not answer; who asks waits no longer than its context says, and the task does not mind.
func TestQueryOfABlockedTask(t *testing.T) {
	log := memory.NewLive[look](2)
	held, release := make(chan struct{}), make(chan struct{})
	j := looksJob(log, true, func(v look) error {
		if v.Page == "/wait" {
			close(held)
			<-release
		}
		return nil
	})
	stop, ended := runningTasks(t, j)
	appendVisits(t, log, look{"ada", "/", 1000, 1}, look{"ada", "/wait", 1001, 2})
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 20*ms)
	defer cancel()
	_, err := stream.QueryKey(ctx, j, "users", "ada")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "the task that owns the key did not come to answer")
	close(release)
	await(t, j, "users", "ada", counted(t, 2))
	stop()
	require.NoError(t, <-ended)
}

// Keys that have left memory are read where they are, and stay there.
func TestQueryReadsWhatLeftMemory(t *testing.T) {
	const users = 1500
	log := memory.NewLive[look](2)
	j := looksJob(log, false, nil, stream.MemoryBudget(1<<20), stream.StateDir(t.TempDir()), stream.Backend(pebblestate.Backend()), stream.CheckpointEvery(100*ms))
	stop, ended := runningTasks(t, j)
	for i := range users {
		u := fmt.Sprintf("user%d", i)
		require.NoError(t, log.Append(splitOf(u), look{u, "/", 1000, 1}))
	}
	require.NoError(t, log.Append(0, look{"end", "/", 1000, 1}))
	require.NoError(t, log.Append(1, look{"end", "/", 1000, 1}))
	await(t, j, "users", "end", counted(t, 2))
	for i := range users {
		await(t, j, "users", fmt.Sprintf("user%d", i), counted(t, 1))
	}
	stop()
	require.NoError(t, <-ended)
	stats := j.StateStats()
	require.Less(t, stats.Keys, users)
	require.Positive(t, stats.Evictions)
	require.LessOrEqual(t, stats.Reads, int64(3), "a question brought a key into memory; the second record of one has read its state, once for each operator")
}

// Under load, with failures in between, every answer is whole: the n-th look is the last where n are counted, and between two failures counts only grow.
func TestQueriesDuringLoadAndRestarts(t *testing.T) {
	for _, local := range []bool{false, true} {
		t.Run(fmt.Sprintf("local %v", local), func(t *testing.T) {
			const users = 17
			each := nightly.Pick(600, 20_000)
			log := memory.NewLive[look](2)
			var failures, processed atomic.Int64
			fails := func(v look) error {
				if n := processed.Add(1); n%2003 == 0 && failures.Load() < 5 {
					failures.Add(1)
					return errors.New("on purpose")
				}
				return nil
			}
			j := looksJob(log, local, fails, stream.Restart(stream.FixedDelay(100, time.Millisecond)))
			stop, ended := runningTasks(t, j)
			var group sync.WaitGroup
			var answers, missing atomic.Int64
			var stopping atomic.Bool
			done := make(chan struct{})
			for asker := range 3 {
				group.Go(func() {
					for i := asker; ; i++ {
						select {
						case <-done:
							return
						default:
						}
						ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
						s, err := stream.QueryKey(ctx, j, "users", fmt.Sprint("user", i%users))
						cancel()
						switch {
						case errors.Is(err, stream.ErrNotRunning) && stopping.Load():
							continue
						case errors.Is(err, stream.ErrNoTask):
							missing.Add(1)
							continue
						case err != nil:
							t.Errorf("%v", err)
							return
						case s == nil:
							continue
						}
						n, _, err := stream.StateOf[int](s, "count")
						last, _, e := stream.StateOf[look](s, "last")
						seen, _, f := stream.StateOf[map[string]int](s, "seen")
						if err := errors.Join(err, e, f); err != nil {
							t.Errorf("%v", err)
							return
						}
						if n != last.N || seen[last.Page] == 0 || last.User != string(s.Key) {
							t.Errorf("%s: %d counted, the last is %v, seen are %v", s.Key, n, last, seen)
							return
						}
						answers.Add(1)
					}
				})
			}
			for n := 1; n <= each; n++ {
				for u := range users {
					v := look{fmt.Sprint("user", u), fmt.Sprint("/", n%5), int64(n), n}
					require.NoError(t, log.Append(splitOf(v.User), v))
				}
			}
			for u := range users {
				await(t, j, "users", fmt.Sprint("user", u), counted(t, each))
			}
			stopping.Store(true)
			stop()
			require.NoError(t, <-ended)
			_, err := stream.QueryKey(t.Context(), j, "users", "user1")
			require.ErrorIs(t, err, stream.ErrNotRunning)
			close(done)
			group.Wait()
			require.Positive(t, failures.Load())
			require.Positive(t, answers.Load())
			nightly.Record(t, nightly.Figures{Part: "queries under load", Events: int64(users * each), Faults: map[string]int64{"restart": failures.Load()}})
			t.Logf("%d answers, %d times nobody was there, %d failures", answers.Load(), missing.Load(), failures.Load())
		})
	}
}
