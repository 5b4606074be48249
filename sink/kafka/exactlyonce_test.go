//go:build !race

// Without the race detector: sarama's transaction manager reads its state without its lock while another of its goroutines enters the error state.

package kafka_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/kafka"
	"github.com/millrace/millrace/source"
	from "github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/source/memory"
	memorystate "github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

var numbered = kafka.EncoderFunc[int](func(m *kafka.Message, n int) error {
	m.Key, m.Value = fmt.Append(nil, n), fmt.Append(nil, n)
	return nil
})

// readCommitted reads what readers see that do not look into open or aborted transactions.
func readCommitted(t *testing.T, brokers []string, name string) map[int32][]source.Raw {
	t.Helper()
	s, err := from.Source(brokers, name, raws{}, from.UntilEnd(), from.ReadCommitted()).Open(t.Context(), source.Env{})
	require.NoError(t, err)
	splits, err := s.Splits(t.Context())
	require.NoError(t, err)
	rows := drained(t, s, splits)
	require.NoError(t, s.Close())
	return rows
}

func committed(t *testing.T, brokers []string, name string) (values []string) {
	for _, records := range readCommitted(t, brokers, name) {
		for _, r := range records {
			values = append(values, string(r.Value))
		}
	}
	slices.Sort(values)
	return values
}

// hasCommitted waits until readers see the end of the last transaction, which brokers tell partitions of after they have answered.
func hasCommitted(t *testing.T, brokers []string, name string, want ...string) {
	t.Helper()
	var got []string
	for range 100 {
		if got = committed(t, brokers, name); len(got) >= len(want) {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	require.Equal(t, want, got)
}

// exact is a job that copies numbers to a topic, and the odd ones, as if they were bad, to another.
type exact struct {
	t       *testing.T
	brokers []string
	name    string
	dir     string
	n       int
	rows    string // topics
	dead    string
	shared  bool
	wire    *wire
	retries int
	opts    []kafka.Option
	pause   time.Duration // after each 100 numbers
	every   time.Duration
	slower  func() bool // while it is true, pauses are of 100 ms: however slow the broker is, there are transactions to come; may be nil
}

func newExact(t *testing.T, n int) *exact {
	brokers := testBrokers(t)
	return &exact{
		t: t, brokers: brokers, name: fmt.Sprintf("exact-%d", time.Now().UnixNano()), dir: t.TempDir(), n: n, wire: &wire{}, retries: 20, pause: 3 * time.Millisecond, every: 5 * time.Millisecond,
		rows: newTopic(t, brokers, 3), dead: newTopic(t, brokers, 2),
	}
}

func (e *exact) sink(topic string) sink.Sink[int] {
	return kafka.Sink(e.brokers, topic, numbered, append([]kafka.Option{kafka.ExactlyOnce(), e.wire.option(e.retries)}, e.opts...)...)
}

func (e *exact) job(opts ...stream.JobOption) *stream.Job {
	splits := make([][]int, 2)
	for i := range e.n {
		splits[i%2] = append(splits[i%2], i)
	}
	j := stream.NewJob(e.name, append([]stream.JobOption{
		stream.StateDir(e.dir), stream.Backend(memorystate.Backend()), stream.CheckpointEvery(e.every), stream.StatusEvery(0), stream.Logger(slog.New(slog.DiscardHandler)),
	}, opts...)...)
	in := stream.From(j, "numbers", memory.Splits(splits).WithChunkSize(100), watermark.Monotonous(func(n int) time.Time { return time.UnixMilli(int64(n)) }))
	in = stream.Map(in, func(n int) int {
		if n%100 < 2 {
			pause := e.pause
			if e.slower != nil && e.slower() {
				pause = 100 * time.Millisecond
			}
			time.Sleep(pause)
		}
		return n
	})
	if e.shared {
		in = stream.Rebalance(in, 2)
	}
	stream.To(stream.Filter(in, func(n int) bool { return n%2 == 0 }), "rows", e.sink(e.rows))
	stream.To(stream.Filter(in, func(n int) bool { return n%2 == 1 }), "dead letters", e.sink(e.dead))
	return j
}

// check reads both topics.
func (e *exact) check() {
	e.t.Helper()
	var want [2][]string
	for i := range e.n {
		want[i%2] = append(want[i%2], fmt.Sprint(i))
	}
	for i, topic := range []string{e.rows, e.dead} {
		slices.Sort(want[i])
		hasCommitted(e.t, e.brokers, topic, want[i]...)
	}
}

// Rows and dead letters are in the transactions of their checkpoints, in one unit or in several.
func TestExactlyOnce(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared=%t", shared), func(t *testing.T) {
			e := newExact(t, 4000)
			e.shared = shared
			j := e.job()
			require.NoError(t, j.Run(t.Context()))
			require.Positive(t, j.Count("transactions"))
			require.Zero(t, j.Count("retries"))
			e.check()
			require.NoError(t, e.job().Run(t.Context()), "a finished job has nothing to do")
			e.check()
		})
	}
}

// A job that is stopped goes on where it was.
func TestExactlyOnceStopped(t *testing.T) {
	e := newExact(t, 6000)
	e.pause = 3 * time.Millisecond
	for stops := 0; ; stops++ {
		require.Less(t, stops, 100)
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		j := e.job()
		err := j.Run(ctx)
		cancel()
		if err != nil { // it was told before it had begun
			require.ErrorIs(t, err, context.DeadlineExceeded)
			continue
		}
		done := true
		for _, s := range j.Status().Splits {
			done = done && s.Finished
		}
		if done {
			require.Positive(t, stops)
			break
		}
	}
	e.check()
}

// The request that commits is lost, or its answer, once or for as long as the attempt lasts: each row is there once.
func TestExactlyOnceWhenCommitsAreLost(t *testing.T) {
	for _, c := range []struct {
		name    string
		lose    loss
		retries int
		times   int64
	}{
		{"a request", request, 20, 1},
		{"an answer", answer, 20, 1},
		{"all requests of an attempt", request, 1, 4},
		{"all answers of an attempt", answer, 1, 4},
	} {
		for _, shared := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/shared=%t", c.name, shared), func(t *testing.T) {
				e := newExact(t, 4000)
				e.shared, e.retries = shared, c.retries
				var calls atomic.Int64
				e.slower = func() bool { return calls.Load() < 2+c.times }
				e.wire.lose = func(api int16) loss {
					if n := calls.Load(); api == endTxn && n < 100 {
						if n = calls.Add(1); n > 2 && n <= 2+c.times {
							return c.lose
						}
					}
					return nothing
				}
				j := e.job(stream.Restart(stream.FixedDelay(20, 0)))
				require.NoError(t, j.Run(t.Context()))
				require.GreaterOrEqual(t, calls.Load(), 2+c.times)
				if c.times > 1 {
					require.Positive(t, j.Count("restarts"), "nothing had to be settled")
				} else {
					require.Zero(t, j.Count("restarts"))
				}
				e.check()
			})
		}
	}
}

// A second instance without the state ends the first for good and is refused itself; the first goes on when it is started again.
func TestExactlyOnceFencesTheOlder(t *testing.T) {
	e := newExact(t, 100_000)
	e.shared = true
	first := make(chan error, 1)
	j := e.job(stream.Restart(stream.FixedDelay(100, 0)))
	go func() { first <- j.Run(t.Context()) }()
	require.Eventually(t, func() bool { return j.Count("transactions") > 2 }, 20*time.Second, time.Millisecond)
	second := &exact{t: t, brokers: e.brokers, name: e.name, dir: t.TempDir(), n: e.n, rows: e.rows, dead: e.dead, shared: true, wire: &wire{}, retries: 20, pause: e.pause, every: e.every}
	require.ErrorIs(t, second.job().Run(t.Context()), stream.ErrUnsettled)
	require.ErrorIs(t, <-first, sink.ErrFenced)
	require.Zero(t, j.Count("restarts"))
	e.pause = 0
	require.NoError(t, e.job().Run(t.Context()))
	e.check()
}

func transactorEnv(every time.Duration) sink.TransactorEnv {
	return sink.TransactorEnv{Job: "job", Unit: "unit", CheckpointEvery: every, Logger: slog.New(slog.DiscardHandler)}
}

func settled(t *testing.T, s sink.Sink[int]) (sink.Transactor, string) {
	t.Helper()
	transactor, err := s.(sink.Transactional).Transactor(t.Context(), transactorEnv(time.Millisecond))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, transactor.Close()) })
	marker, err := transactor.Settle(t.Context())
	require.NoError(t, err)
	return transactor, marker
}

func begun(t *testing.T, s sink.Sink[int], transactor sink.Transactor, rows ...int) sink.Transaction {
	t.Helper()
	n, err := transactor.Begin(t.Context())
	require.NoError(t, err)
	require.NoError(t, wrote(t, s, n, rows...))
	return n
}

func wrote(t *testing.T, s sink.Sink[int], n sink.Transaction, rows ...int) error {
	w, err := s.Open(t.Context(), sink.Env{})
	require.NoError(t, err)
	require.NoError(t, w.(sink.Joiner).Join(n))
	var batch []sink.Row[int]
	for _, r := range rows {
		batch = append(batch, sink.Row[int]{Value: r})
	}
	return w.Write(t.Context(), batch)
}

// What a crash left open is aborted at the start, so that readers do not wait for it to time out.
func TestLingeringTransactionsAreAborted(t *testing.T) {
	e := newExact(t, 0)
	s := e.sink(e.rows)
	first, _ := settled(t, s)
	committedOne := begun(t, s, first, 1)
	require.NoError(t, committedOne.Commit(t.Context()))
	begun(t, s, first, 2)
	begun(t, s, first, 3)
	second, marker := settled(t, s)
	require.Equal(t, committedOne.Marker(), marker)
	require.NoError(t, begun(t, s, second, 4).Commit(t.Context()))
	hasCommitted(t, e.brokers, e.rows, "1", "4")
}

// An older instance that has nothing to write does not notice that it was fenced; when it begins again, under an id that it would take back, it does.
func TestOlderInstanceDoesNotComeBack(t *testing.T) {
	e := newExact(t, 0)
	s := e.sink(e.rows)
	older, _ := settled(t, s)
	require.NoError(t, begun(t, s, older, 1).Commit(t.Context()))
	open := begun(t, s, older)
	newer, _ := settled(t, s)
	_, err := older.Begin(t.Context())
	require.ErrorIs(t, err, sink.ErrFenced)
	require.ErrorIs(t, wrote(t, s, open, 2), sink.ErrFenced)
	n := begun(t, s, newer, 3)
	require.NoError(t, n.Commit(t.Context()))
	hasCommitted(t, e.brokers, e.rows, "1", "3")
}

func TestTransactionTimeouts(t *testing.T) {
	e := newExact(t, 0)
	e.opts = []kafka.Option{kafka.TransactionTimeout(10 * time.Second)}
	_, err := e.sink(e.rows).(sink.Transactional).Transactor(t.Context(), transactorEnv(10*time.Second))
	require.ErrorContains(t, err, "is not above CheckpointEvery")
	e.opts = []kafka.Option{kafka.TransactionTimeout(time.Hour)}
	transactor, err := e.sink(e.rows).(sink.Transactional).Transactor(t.Context(), transactorEnv(time.Second))
	require.NoError(t, err)
	_, err = transactor.Settle(t.Context())
	require.ErrorContains(t, err, "transaction.max.timeout.ms")
	require.False(t, sink.IsTemporary(err))
	require.NoError(t, transactor.Close())
	e.opts = []kafka.Option{kafka.TransactionTimeout(time.Millisecond), kafka.TransactionPrefix("")}
	_, err = e.sink(e.rows).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "at least a second")
	require.ErrorContains(t, err, "TransactionPrefix")
}

// A transaction that was open for too long was not fenced by another instance: the job may start again.
func TestTransactionThatTimesOut(t *testing.T) {
	e := newExact(t, 0)
	e.opts = []kafka.Option{kafka.TransactionTimeout(time.Second)}
	s := e.sink(e.rows)
	transactor, _ := settled(t, s)
	n := begun(t, s, transactor, 1)
	var err error
	require.Eventually(t, func() bool { err = wrote(t, s, n, 2); return err != nil }, 30*time.Second, 100*time.Millisecond)
	require.ErrorContains(t, err, "gave up the transaction")
	require.NotErrorIs(t, err, sink.ErrFenced)
	transactor, marker := settled(t, s)
	require.Empty(t, marker)
	require.NoError(t, begun(t, s, transactor, 3).Commit(t.Context()))
	hasCommitted(t, e.brokers, e.rows, "3")
}

func TestSharedTransactionsNeedTheSameSettings(t *testing.T) {
	e := newExact(t, 0)
	transactor, _ := settled(t, e.sink(e.rows))
	n, err := transactor.Begin(t.Context())
	require.NoError(t, err)
	e.opts = []kafka.Option{kafka.FNV1a()}
	w, err := e.sink(e.dead).Open(t.Context(), sink.Env{})
	require.NoError(t, err)
	require.ErrorContains(t, w.(sink.Joiner).Join(n), "give all the same options")
	require.ErrorContains(t, w.Write(t.Context(), []sink.Row[int]{{Value: 1}}), "within the transactions of a job")
	require.NoError(t, w.Close())
	_, err = kafka.Sink(e.brokers, "nothing-here", numbered, kafka.ExactlyOnce()).(sink.Transactional).Transactor(t.Context(), transactorEnv(time.Second))
	require.ErrorContains(t, err, "does not exist")
}

// Any connection is lost now and then.
func TestExactlyOnceOnABadNetwork(t *testing.T) {
	e := newExact(t, 4000)
	var mu sync.Mutex
	calls, next, losses := 0, 20, 0
	e.wire.lose = func(int16) loss {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls < next {
			return nothing
		}
		losses++
		next += 20 + 3*losses
		return []loss{request, answer}[losses%2]
	}
	require.NoError(t, e.job(stream.Restart(stream.FixedDelay(50, 0))).Run(t.Context()))
	require.Greater(t, losses, 3)
	e.check()
}
