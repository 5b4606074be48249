package sinktest

import (
	"cmp"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
)

// session is one run of one task: a Writer, from Open to Close.
type session[T any] struct {
	t          *testing.T
	config     Config[T]
	writer     sink.Writer[T]
	checkpoint int64
	rows       []sink.Row[T]    // reused, as the engine does
	in         sink.Transaction // that it ends with; nil for none
}

func open[T any](t *testing.T, c Config[T], s sink.Sink[T], subtask int) *session[T] {
	t.Helper()
	return openIn(t, c, s, env(subtask))
}

func openIn[T any](t *testing.T, c Config[T], s sink.Sink[T], e sink.Env) *session[T] {
	t.Helper()
	w, err := s.Open(t.Context(), e)
	require.NoError(t, err, "Open")
	_, commits := w.(sink.Committer)
	require.Equal(t, c.Features.Commits, commits, "the Writer is a sink.Committer")
	o := &session[T]{t: t, config: c, writer: w}
	if c.Features.Transactions {
		o.in = unitOf(t, s, "session").begin()
		o.join(o.in)
	}
	return o
}

func env(subtask int) sink.Env {
	return sink.Env{Job: "sinktest", Operator: "sink", Subtask: subtask, Subtasks: 1, Logger: slog.New(slog.DiscardHandler)}
}

// restart opens a Writer of a new sink value and gives it the last completed checkpoint, as the engine does.
func restart[T any](t *testing.T, c Config[T], target Target[T], committed ...[]byte) *session[T] {
	t.Helper()
	e := env(0)
	e.Restored = true
	s := openIn(t, c, target.Sink(), e)
	committed = slices.DeleteFunc(committed, func(p []byte) bool { return p == nil })
	for _, pending := range committed {
		s.commit(pending)
	}
	require.NoError(t, s.committer().Recover(t.Context(), committed), "Recover")
	return s
}

func (s *session[T]) committer() sink.Committer { return s.writer.(sink.Committer) }

func (s *session[T]) batch(changes ...change) []sink.Row[T] {
	s.rows = s.rows[:0]
	for i, ch := range changes {
		s.rows = append(s.rows, sink.Row[T]{Value: s.config.Value(ch.record), Op: ch.op, Timestamp: int64(i)})
	}
	return s.rows
}

// write hands over a batch and then overwrites the slice, which is the engine's again.
func (s *session[T]) write(changes ...change) {
	s.t.Helper()
	rows := s.batch(changes...)
	require.NoError(s.t, s.writer.Write(s.t.Context(), rows), "Write")
	clear(rows)
}

func (s *session[T]) prepare(last bool) []byte {
	s.t.Helper()
	s.checkpoint++
	pending, err := s.committer().Prepare(s.t.Context(), s.checkpoint, last)
	require.NoError(s.t, err, "Prepare")
	return pending
}

func (s *session[T]) commit(pending []byte) {
	s.t.Helper()
	if pending != nil {
		require.NoError(s.t, s.committer().Commit(s.t.Context(), pending), "Commit")
	}
}

func (s *session[T]) close() {
	s.t.Helper()
	require.NoError(s.t, s.writer.Close(), "Close")
}

// finish ends the job: what was written is visible afterwards.
func (s *session[T]) finish() {
	s.t.Helper()
	if s.config.Features.Commits {
		s.commit(s.prepare(true))
	}
	s.close()
	if s.in != nil {
		require.NoError(s.t, s.in.Commit(s.t.Context()), "Commit")
	}
}

// change is one row of a batch.
type change struct {
	record Record
	op     sink.Op
}

func put(r Record) change { return change{r, sink.Upsert} }

func remove(r Record) change { return change{r, sink.Delete} }

func puts(records []Record) []change {
	changes := make([]change, len(records))
	for i, r := range records {
		changes[i] = put(r)
	}
	return changes
}

// record is a plain row; version tells apart the writes of one key.
func record(id string, version int64) Record {
	return Record{ID: id, Seq: 1, Text: "version", Number: version, Ratio: float64(version) / 2, Flag: version%2 == 1}
}

// numbered makes n rows of different keys.
func numbered(prefix string, n int) []Record {
	records := make([]Record, n)
	for i := range records {
		records[i] = record(prefix, int64(i))
		records[i].Seq = int64(i)
	}
	return records
}

// requireRows compares what readers see: an append-only sink keeps the order, a table has none.
func requireRows[T any](t *testing.T, c Config[T], target Target[T], want ...Record) {
	t.Helper()
	got := seen(t, c, target, len(want))
	if c.Features.Upserts {
		got, want = sorted(got), sorted(want)
	}
	require.Len(t, got, len(want))
	for i := range want {
		require.Equal(t, want[i], got[i], "row %d", i)
	}
}

// seen reads the rows, and again for a while where they may appear a moment late.
func seen[T any](t *testing.T, c Config[T], target Target[T], n int) []Record {
	got := target.Rows(t)
	for range 100 {
		if len(got) == n || !c.Features.Transactions {
			break
		}
		time.Sleep(50 * time.Millisecond)
		got = target.Rows(t)
	}
	return got
}

func sorted(records []Record) []Record {
	return slices.SortedFunc(slices.Values(records), func(a, b Record) int {
		if n := strings.Compare(a.ID, b.ID); n != 0 {
			return n
		}
		return cmp.Compare(a.Seq, b.Seq)
	})
}
