package sinktest

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
)

// largeRows is above every bound that a sink may have on one statement or buffer.
const largeRows = 25_000

func traits[T any](t *testing.T, c Config[T]) {
	target := c.New(t)
	s := target.Sink()
	require.Equal(t, c.Features.Upserts, s.Traits().Upserts, "Traits.Upserts")
	require.Equal(t, !c.Features.Parallel, s.Traits().Single, "Traits.Single")
	require.GreaterOrEqual(t, s.Traits().BatchRows, 0, "Traits.BatchRows")
	require.NotEmpty(t, s.String())
	require.Equal(t, s.String(), target.Sink().String(), "two values of one sink have one name")
}

func order[T any](t *testing.T, c Config[T]) {
	target := c.New(t)
	s := open(t, c, target.Sink(), 0)
	rows := numbered("a", 10)
	s.write(puts(rows[:3])...)
	s.write(puts(rows[3:4])...)
	s.write(puts(rows[4:])...)
	s.finish()
	requireRows(t, c, target, rows...)
}

func emptyBatch[T any](t *testing.T, c Config[T]) {
	target := c.New(t)
	s := open(t, c, target.Sink(), 0)
	s.write()
	s.write(put(record("a", 1)))
	s.write()
	s.finish()
	requireRows(t, c, target, record("a", 1))
}

func values[T any](t *testing.T, c Config[T]) {
	target := c.New(t)
	var rows []Record
	for i, text := range []string{
		"", " ", " leading", "trailing ", `"`, `""quoted""`, `'`, `''; DROP TABLE rows; --`, ",", ";", "a,b", "line\nbreak", "\n", "carriage\rreturn", "tab\there",
		`\`, `\.`, `\n`, `\N`, "NULL", "null", "true", "1", "grüße", "日本語", "🚰", "e\u0301", "\u2028", "{1,2}", `{"a":1}`, "<&>", "$1", "?", "%s", "\x01\x1f\x7f",
		strings.Repeat("long ", 20_000),
	} {
		rows = append(rows, Record{ID: fmt.Sprintf("text %d", i), Text: text})
	}
	for i, id := range []string{"", `"`, "a'b", "a\nb", "grüße", "日本", "a,b", `\`} {
		rows = append(rows, Record{ID: id, Seq: -1 - int64(i), Text: "awkward key"})
	}
	for i, n := range []int64{0, 1, -1, math.MaxInt32, math.MaxInt32 + 1, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64} {
		rows = append(rows, Record{ID: "number", Seq: n, Number: n, Flag: i%2 == 0})
	}
	for i, f := range []float64{0, -0.5, 0.1, 1.0 / 3, 1e-300, math.SmallestNonzeroFloat64, math.MaxFloat64, -math.MaxFloat64, 123456789.123456789, 1e21} {
		rows = append(rows, Record{ID: "ratio", Seq: int64(i), Ratio: f})
	}
	s := open(t, c, target.Sink(), 0)
	s.write(puts(rows)...)
	s.finish()
	requireRows(t, c, target, rows...)
}

func largeBatch[T any](t *testing.T, c Config[T]) {
	target := c.New(t)
	rows := numbered("large", largeRows)
	s := open(t, c, target.Sink(), 0)
	s.write(puts(rows)...)
	s.finish()
	requireRows(t, c, target, rows...)
}

func reopen[T any](t *testing.T, c Config[T]) {
	target := c.New(t)
	rows := numbered("a", 6)
	for i := 0; i < len(rows); i += 2 {
		s := open(t, c, target.Sink(), 0)
		s.write(puts(rows[i : i+2])...)
		s.close()
	}
	requireRows(t, c, target, rows...)
}

// severalWriters opens all Writers of one sink at once, which also makes the destination once.
func severalWriters[T any](t *testing.T, c Config[T]) {
	const writers, batches, perBatch = 4, 20, 25
	target := c.New(t)
	s := target.Sink()
	sessions := make([]*session[T], writers)
	var shared sink.Transaction // by all
	if c.Features.Transactions {
		shared = unitOf(t, s, "writers").begin()
	}
	want := make([][]Record, writers)
	var wg sync.WaitGroup
	for i := range writers {
		want[i] = numbered(fmt.Sprintf("writer %d", i), batches*perBatch)
		wg.Go(func() {
			e := env(i)
			e.Subtasks = writers
			w, err := s.Open(t.Context(), e)
			if err != nil {
				t.Errorf("Open of writer %d: %v", i, err)
				return
			}
			sessions[i] = &session[T]{t: t, config: c, writer: w}
			if shared != nil {
				if err := w.(sink.Joiner).Join(shared); err != nil {
					t.Errorf("Join of writer %d: %v", i, err)
					return
				}
			}
			for b := range batches {
				rows := sessions[i].batch(puts(want[i][b*perBatch : (b+1)*perBatch])...)
				if err := w.Write(t.Context(), rows); err != nil {
					t.Errorf("Write of writer %d: %v", i, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	var all []Record
	for i := range writers {
		sessions[i].finish()
		all = append(all, want[i]...)
	}
	if shared != nil {
		require.NoError(t, shared.Commit(t.Context()))
	}
	require.ElementsMatch(t, all, seen(t, c, target, len(all)))
}

func deleteRefused[T any](t *testing.T, c Config[T]) {
	target := c.New(t)
	s := open(t, c, target.Sink(), 0)
	require.Error(t, s.writer.Write(t.Context(), s.batch(put(record("b", 1)), remove(record("a", 1)))), "a sink without Upserts must refuse a Delete, not lose it")
	s.write(put(record("a", 1)))
	s.finish()
	requireRows(t, c, target, record("a", 1))
}
