package sinktest

import (
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
)

// instance is a commit unit of one run of a job.
type instance[T any] struct {
	t          *testing.T
	config     Config[T]
	target     Target[T]
	sink       sink.Sink[T]
	transactor sink.Transactor
	marker     string // that the unit was settled with
}

// settle starts a run of a unit, which ends what other runs have left open.
func settle[T any](t *testing.T, c Config[T], target Target[T], unit string) *instance[T] {
	t.Helper()
	require.Equal(t, target.Sink().(sink.Transactional).System(), target.Sink().(sink.Transactional).System(), "two values of one sink have one system")
	i := unitOf(t, target.Sink(), unit)
	i.config, i.target = c, target
	return i
}

// unitOf settles a unit with a sink.
func unitOf[T any](t *testing.T, s sink.Sink[T], unit string) *instance[T] {
	t.Helper()
	transactional, ok := s.(sink.Transactional)
	require.True(t, ok, "the sink is a sink.Transactional")
	transactor, err := transactional.Transactor(t.Context(), sink.TransactorEnv{Job: "sinktest", Unit: unit, CheckpointEvery: time.Second, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err, "Transactor")
	t.Cleanup(func() { _ = transactor.Close() })
	i := &instance[T]{t: t, sink: s, transactor: transactor}
	i.marker, err = transactor.Settle(t.Context())
	require.NoError(t, err, "Settle")
	return i
}

func (i *instance[T]) begin() sink.Transaction {
	i.t.Helper()
	n, err := i.transactor.Begin(i.t.Context())
	require.NoError(i.t, err, "Begin")
	require.NotEmpty(i.t, n.Marker())
	require.True(i.t, n.Empty(), "a new transaction is empty")
	return n
}

// writer opens a Writer within a transaction.
func (i *instance[T]) writer(n sink.Transaction) *session[T] {
	i.t.Helper()
	w, err := i.sink.Open(i.t.Context(), env(0))
	require.NoError(i.t, err, "Open")
	s := &session[T]{t: i.t, config: i.config, writer: w}
	s.join(n)
	return s
}

func (i *instance[T]) commit(n sink.Transaction) {
	i.t.Helper()
	require.NoError(i.t, n.Commit(i.t.Context()), "Commit")
}

// write writes rows in a transaction of their own, which stays open.
func (i *instance[T]) write(rows []Record) sink.Transaction {
	i.t.Helper()
	n := i.begin()
	s := i.writer(n)
	s.write(puts(rows)...)
	s.close()
	require.False(i.t, n.Empty(), "a transaction with rows")
	return n
}

func (s *session[T]) join(n sink.Transaction) {
	s.t.Helper()
	j, ok := s.writer.(sink.Joiner)
	require.True(s.t, ok, "the Writer is a sink.Joiner")
	require.NoError(s.t, j.Join(n), "Join")
}

// A crash is played by leaving a transaction as it is and settling the unit with a new sink value, while the older is still there: it must not matter whether
// it is dead.
func runTransactions[T any](t *testing.T, c Config[T]) {
	first, second, third := numbered("first", 40), numbered("second", 3_000), numbered("third", 5)
	all := append(append(append([]Record(nil), first...), second...), third...)
	for _, test := range []struct {
		name string
		run  func(t *testing.T, target Target[T])
		want []Record
	}{
		{"invisible before its commit", func(t *testing.T, target Target[T]) {
			i := settle(t, c, target, "unit")
			require.Empty(t, i.marker, "a system that knows nothing of the unit has no marker")
			n := i.write(first)
			require.Empty(t, target.Rows(t), "after Write")
			i.commit(n)
		}, first},
		{"many in turn", func(t *testing.T, target Target[T]) {
			i := settle(t, c, target, "unit")
			markers := map[string]bool{}
			n := i.begin()
			s := i.writer(n)
			for at := 0; at < len(all); at += 400 {
				s.write(puts(all[at:min(at+400, len(all))])...)
				next := i.begin()
				s.join(next)
				i.commit(n)
				markers[n.Marker()] = true
				n = next
			}
			s.close()
			require.Len(t, markers, (len(all)+399)/400, "each has a marker of its own")
		}, all},
		{"rows come while the one before is committed", func(t *testing.T, target Target[T]) {
			i := settle(t, c, target, "unit")
			n := i.begin()
			s := i.writer(n)
			s.write(puts(first)...)
			next := i.begin()
			s.join(next)
			s.write(puts(second)...)
			i.commit(n)
			requireRows(t, c, target, first...)
			s.write(puts(third)...)
			i.commit(next)
		}, all},
		{"without rows it sets the marker", func(t *testing.T, target Target[T]) {
			i := settle(t, c, target, "unit")
			n := i.begin()
			i.commit(n)
			require.Equal(t, n.Marker(), settle(t, c, target, "unit").marker)
		}, nil},
		{"an empty one is used later", func(t *testing.T, target Target[T]) {
			i := settle(t, c, target, "unit")
			idle := i.begin()
			i.commit(i.write(first))
			s := i.writer(idle)
			s.write(puts(third)...)
			i.commit(idle)
		}, append(append([]Record(nil), first...), third...)},
		{"crash before commit", func(t *testing.T, target Target[T]) {
			i := settle(t, c, target, "unit")
			n := i.write(first)
			i.commit(n)
			i.write(second)
			i.write(second)
			i = settle(t, c, target, "unit")
			require.Equal(t, n.Marker(), i.marker, "that of the transaction committed last")
			i.commit(i.write(second))
			i.commit(i.write(third))
		}, all},
		{"crash after commit", func(t *testing.T, target Target[T]) {
			i := settle(t, c, target, "unit")
			i.commit(i.write(first))
			n := i.write(second)
			i.commit(n)
			i = settle(t, c, target, "unit")
			require.Equal(t, n.Marker(), i.marker)
			i.commit(i.write(third))
		}, all},
		{"crash again and again", func(t *testing.T, target Target[T]) {
			i := settle(t, c, target, "unit")
			n := i.write(first)
			i.commit(n)
			for range 3 {
				i = settle(t, c, target, "unit")
				require.Equal(t, n.Marker(), i.marker)
				i.write(third)
			}
			i = settle(t, c, target, "unit")
			i.commit(i.write(second))
			i.commit(i.write(third))
		}, all},
		{"closed with open transactions", func(t *testing.T, target Target[T]) {
			i := settle(t, c, target, "unit")
			i.commit(i.write(first))
			i.write(second)
			require.NoError(t, i.transactor.Close())
		}, first},
		{"the older instance is fenced", func(t *testing.T, target Target[T]) {
			older := settle(t, c, target, "unit")
			open := older.write(second)
			idle := older.begin()
			newer := settle(t, c, target, "unit")
			require.ErrorIs(t, open.Commit(t.Context()), sink.ErrFenced)
			s := older.writer(idle)
			err := s.writer.Write(t.Context(), s.batch(puts(third)...))
			if err == nil { // at the latest now
				err = idle.Commit(t.Context())
			}
			require.ErrorIs(t, err, sink.ErrFenced)
			newer.commit(newer.write(first))
		}, first},
		{"units are apart", func(t *testing.T, target Target[T]) {
			one, other := settle(t, c, target, "unit/1"), settle(t, c, target, "unit/11")
			n, m := one.write(first), other.write(third)
			one.commit(n)
			other.commit(m)
			require.Equal(t, n.Marker(), settle(t, c, target, "unit/1").marker)
			require.Equal(t, m.Marker(), settle(t, c, target, "unit/11").marker)
		}, append(append([]Record(nil), first...), third...)},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := c.New(t)
			test.run(t, target)
			requireRows(t, c, target, test.want...)
		})
	}
	t.Run("no rows without a transaction", func(t *testing.T) {
		target := c.New(t)
		w, err := target.Sink().Open(t.Context(), env(0))
		require.NoError(t, err)
		s := &session[T]{t: t, config: c, writer: w}
		require.Error(t, w.Write(t.Context(), s.batch(puts(third)...)))
		s.close()
		require.Empty(t, target.Rows(t))
	})
}
