package sinktest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
)

// hostile writes what no sane program would. A sink either keeps it - text that is not UTF-8 perhaps with U+FFFD in the place of what is not - or refuses it with an
// error that names the row and is not Temporary, since no waiting mends it. What was written before and what a new Writer writes afterwards is whole in either case.
func hostile[T any](t *testing.T, c Config[T]) {
	large := make([]byte, 1<<20) // does not compress, so that no limit is met by packing it
	source := rand.New(rand.NewPCG(1, 2))
	for i := range large {
		large[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-"[source.IntN(64)]
	}
	for _, h := range []struct {
		name string
		rows []Record
	}{
		{"zero byte in a key", []Record{{ID: "a\x00b", Text: "x"}, {ID: "a\x00c", Text: "y"}}},
		{"zero byte in text", []Record{{ID: "a", Text: "a\x00b"}}},
		{"only zero bytes", []Record{{ID: "\x00", Text: "x"}, {ID: "\x00\x00", Text: "y"}}},
		{"bytes 0xff in a key", []Record{{ID: "a\xff", Text: "x"}, {ID: "a\xff\xff", Text: "y"}, {ID: "a\xfe", Text: "z"}}},
		{"not UTF-8 in text", []Record{{ID: "a", Text: "\xe2\x82 cut"}}},
		{"surrogate", []Record{{ID: "\xed\xa0\x80", Text: "x"}}},
		{"key of 1 MiB", []Record{{ID: string(large), Text: "x"}}},
		{"text of 1 MiB", []Record{{ID: "a", Text: string(large)}}},
		{"keys that differ by case, width and form", []Record{{ID: "k"}, {ID: "K"}, {ID: "\u212a"}, {ID: "e\u0301"}, {ID: "\u00e9"}, {ID: "k "}, {ID: " k"}, {ID: "k/"}, {ID: "k/1"}}},
		{"separators", []Record{{ID: "a|b"}, {ID: "a\x1fb"}, {ID: "a~b"}, {ID: "a%7Eb"}, {ID: "a/b"}, {ID: "..\\..\\x"}, {ID: "../../x"}, {ID: "=1+1"}, {ID: "\ufeff"}}},
	} {
		t.Run(h.name, func(t *testing.T) { hostileRows(t, c, h.rows) })
	}
	t.Run("timestamps", func(t *testing.T) {
		target := c.New(t)
		s := open(t, c, target.Sink(), 0)
		var rows []sink.Row[T]
		var want []Record
		for i, ts := range []int64{math.MinInt64, math.MinInt64 + 1, -62_167_219_200_001, -1, 0, 9_223_372_036_854, 9_223_372_036_855, 253_402_300_799_999, 253_402_300_800_000, math.MaxInt64 - 1, math.MaxInt64} {
			want = append(want, record("at", int64(i)))
			want[i].Seq = int64(i)
			rows = append(rows, sink.Row[T]{Value: c.Value(want[i]), Timestamp: ts})
		}
		require.NoError(t, s.writer.Write(t.Context(), rows), "a row's event time never makes it unwritable")
		s.finish()
		requireRows(t, c, target, want...)
	})
}

func hostileRows[T any](t *testing.T, c Config[T], bad []Record) {
	target := c.New(t)
	before, after := record("before", 1), record("zafter", 2)
	s := open(t, c, target.Sink(), 0)
	s.write(put(before))
	var first []byte
	if c.Features.Commits {
		first = s.prepare(false)
		s.commit(first)
	}
	err := s.writer.Write(t.Context(), slices.Clone(s.batch(puts(bad)...)))
	if err == nil {
		s.write(put(after))
		s.finish()
		got := seen(t, c, target, len(bad)+2)
		require.Len(t, got, len(bad)+2, "what is kept is kept apart")
		kept := map[Record]bool{}
		for _, r := range got {
			kept[r] = true
		}
		require.True(t, kept[before] && kept[after])
		for _, r := range bad {
			valid := r
			valid.ID, valid.Text = toValid(r.ID), toValid(r.Text)
			require.True(t, kept[r] || kept[valid], "the row of %s", short(r.ID))
		}
		return
	}
	require.False(t, sink.IsTemporary(err), "no waiting mends it: %v", err)
	require.ErrorContains(t, err, short(bad[0].ID), "the error names the row")
	require.Less(t, len(err.Error()), 2000, "and does not print all of it")
	s.close()
	if c.Features.Commits {
		s = restart(t, c, target, first)
	} else {
		s = open(t, c, target.Sink(), 0)
	}
	s.write(put(after))
	s.finish()
	if c.Features.Transactions { // what was written before is given up with its transaction
		requireRows(t, c, target, after)
		return
	}
	requireRows(t, c, target, before, after)
}

// toValid has one U+FFFD for each byte that is not UTF-8, as encoding/json does.
func toValid(s string) string {
	var b strings.Builder
	for _, r := range s {
		b.WriteRune(r)
	}
	return b.String()
}

// short is what an error shows of a key at least.
func short(id string) string {
	quoted := strconv.Quote(fmt.Sprintf("%.32s", id))
	return strings.Trim(quoted, `"`)
}
