package sinktest

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func runUpserts[T any](t *testing.T, c Config[T]) {
	for _, test := range []struct {
		name    string
		batches [][]change
		want    []Record
	}{
		{"later batch replaces", [][]change{{put(record("a", 1)), put(record("b", 1))}, {put(record("a", 2))}}, []Record{record("a", 2), record("b", 1)}},
		{"last of a batch wins", [][]change{{put(record("a", 1)), put(record("b", 1)), put(record("a", 2)), put(record("a", 3))}}, []Record{record("a", 3), record("b", 1)}},
		{"same row again", [][]change{{put(record("a", 1))}, {put(record("a", 1))}}, []Record{record("a", 1)}},
		{"delete", [][]change{{put(record("a", 1)), put(record("b", 1))}, {remove(record("a", 1))}}, []Record{record("b", 1)}},
		{"delete goes by the key alone", [][]change{{put(record("a", 1))}, {remove(record("a", 9))}}, nil},
		{"delete of nothing", [][]change{{remove(record("a", 1))}, {put(record("b", 1))}}, []Record{record("b", 1)}},
		{"written and deleted", [][]change{{put(record("a", 1)), put(record("b", 1)), remove(record("a", 1))}}, []Record{record("b", 1)}},
		{"deleted and written", [][]change{{put(record("a", 1))}, {remove(record("a", 1)), put(record("a", 2))}}, []Record{record("a", 2)}},
		{"written, deleted, written", [][]change{{put(record("a", 1)), remove(record("a", 1)), put(record("a", 2)), put(record("b", 1))}}, []Record{record("a", 2), record("b", 1)}},
		{"replaced by other keys", [][]change{{put(record("a", 1)), put(record("b", 1))}, {remove(record("a", 1)), remove(record("b", 1)), put(record("ab", 1))}}, []Record{record("ab", 1)}},
		{"only deletes", [][]change{{put(record("a", 1)), put(record("b", 1))}, {remove(record("a", 1)), remove(record("b", 1))}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			target := c.New(t)
			s := open(t, c, target.Sink(), 0)
			for _, batch := range test.batches {
				s.write(batch...)
			}
			s.finish()
			requireRows(t, c, target, test.want...)
		})
	}
	t.Run("batch written again", func(t *testing.T) { writtenAgain(t, c) })
	if c.Features.Atomic {
		t.Run("atomic", func(t *testing.T) { atomic(t, c) })
	}
}

// writtenAgain is what a restart does: everything since the checkpoint comes once more, and the table converges.
func writtenAgain[T any](t *testing.T, c Config[T]) {
	target := c.New(t)
	batches := [][]change{
		puts(numbered("a", 50)),
		{remove(numbered("a", 50)[7]), put(record("b", 1))},
		{put(record("b", 2)), remove(numbered("a", 50)[8])},
	}
	for range 2 {
		s := open(t, c, target.Sink(), 0)
		for _, batch := range batches {
			s.write(batch...)
		}
		s.finish()
	}
	want := append(numbered("a", 50)[:7:7], numbered("a", 50)[9:]...)
	requireRows(t, c, target, append(want, record("b", 2))...)
}

// atomic has a reader look on while one row is replaced by two and these by the one, over and over.
func atomic[T any](t *testing.T, c Config[T]) {
	target := c.New(t)
	s := open(t, c, target.Sink(), 0)
	whole, left, right := record("whole", 1), record("left", 1), record("right", 1)
	s.write(put(whole))
	done := make(chan struct{})
	var wg sync.WaitGroup
	looks := 0
	wg.Go(func() {
		for {
			rows := target.Rows(t)
			looks++
			if n := len(rows); n != 1 && n != 2 || n == 1 && rows[0].ID != whole.ID || n == 2 && (rows[0].ID == whole.ID || rows[1].ID == whole.ID) {
				t.Errorf("a reader saw part of a batch: %v", rows)
				return
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
	for range 100 {
		s.write(remove(whole), put(left), put(right))
		s.write(put(whole), remove(left), remove(right))
	}
	close(done)
	wg.Wait()
	s.finish()
	require.Positive(t, looks)
	requireRows(t, c, target, whole)
}
