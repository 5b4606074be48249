package compare_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink/version"
	"github.com/millrace/millrace/sink/version/compare"
)

var sessionColumns = []version.Column{
	{Name: "user_id", Key: 1}, {Name: "session_start", Key: 2}, {Name: "session_end"}, {Name: "duration_ms"}, {Name: "events"}, {Name: "add_to_carts"}, {Name: "checkouts"}, {Name: "abandoned"},
}

var sessions = compare.Options{Intervals: compare.Intervals{Start: "session_start", End: "session_end"}, Limit: 3}

func rowsOf(columns []version.Column, rows [][]version.Value) version.Rows {
	r := version.Rows{Columns: columns}
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b []version.Value) int { return version.CompareKeys(a, b, r.Keys()) })
	r.All = func(yield func([]version.Value, error) bool) {
		for _, row := range rows {
			if !yield(slices.Clone(row), nil) {
				return
			}
		}
	}
	return r
}

// sample reads the exact sessions of the sample data for a gap in minutes.
func sample(t *testing.T, gap int) version.Rows {
	f, err := os.Open(fmt.Sprintf("../../../internal/oracle/testdata/ecom-sessions-%dm.csv.gz", gap))
	require.NoError(t, err)
	defer f.Close()
	z, err := gzip.NewReader(f)
	require.NoError(t, err)
	lines, err := csv.NewReader(z).ReadAll()
	require.NoError(t, err)
	var rows [][]version.Value
	for _, line := range lines[1:] {
		row := []version.Value{version.Text(line[0])}
		for _, cell := range line[1:] {
			n, err := strconv.ParseInt(cell, 10, 64)
			require.NoError(t, err)
			row = append(row, version.Int(n))
		}
		rows = append(rows, row)
	}
	return rowsOf(sessionColumns, rows)
}

// TestSample explains what another gap does to the sample. The numbers were computed apart, by a program that shares nothing with this one.
func TestSample(t *testing.T) {
	r, err := compare.Tables(sample(t, 30), sample(t, 15), sessions)
	require.NoError(t, err)
	require.Equal(t, compare.Rows{Old: 3605, New: 3722, Equal: 3490, Changed: 115, OnlyOld: 0, OnlyNew: 117}, r.Rows)
	require.Equal(t, compare.Reasons{Identical: 3490, Split: 115, SplitInto: 232}, *r.Reasons)
	require.False(t, r.Equal())
	require.InDelta(t, 232.0/3722, r.Share(), 1e-12)
	r.Table, r.Old, r.New = "sessions", "v1", "v2"
	for _, want := range []string{
		"sessions: v1 has 3,605 rows, v2 has 3,722\n", "  3,490 equal\n", "    115 changed: session_end 115,", "    117 only in v2\n",
		"3,605 sessions became 3,722:\n", "  3,490 unchanged\n    115 split into 232\n", "3,605 = 3,490 + 115\n3,722 = 3,490 + 232\n", "The first 3 differences:",
	} {
		require.Contains(t, r.Text(), want)
	}
	require.Len(t, r.Examples, 3)

	r, err = compare.Tables(sample(t, 15), sample(t, 30), sessions)
	require.NoError(t, err)
	require.Equal(t, compare.Rows{Old: 3722, New: 3605, Equal: 3490, Changed: 115, OnlyOld: 117, OnlyNew: 0}, r.Rows)
	require.Equal(t, compare.Reasons{Identical: 3490, Merged: 232, MergedInto: 115}, *r.Reasons)

	r, err = compare.Tables(sample(t, 15), sample(t, 15), sessions)
	require.NoError(t, err)
	require.True(t, r.Equal())
	require.Zero(t, r.Share())
	require.Contains(t, r.Text(), "They are equal.")
	require.EqualValues(t, 3722, r.Reasons.Identical)
}

// interval is a row of the columns below.
func interval(user string, start, end, n int64) []version.Value {
	return []version.Value{version.Int(n), version.Text(user), version.Int(end), version.Int(start)}
}

var intervalColumns = []version.Column{{Name: "n"}, {Name: "user", Key: 1}, {Name: "end"}, {Name: "start", Key: 2}}

var intervals = compare.Options{Intervals: compare.Intervals{Start: "start", End: "end"}, Limit: 100}

func TestReasons(t *testing.T) {
	older := [][]version.Value{
		interval("a", 0, 10, 1), interval("a", 20, 30, 1), interval("a", 40, 50, 1), interval("a", 60, 70, 1), interval("a", 80, 90, 1),
		interval("b", 0, 10, 1), interval("b", 20, 30, 1),
		interval("c", 0, 10, 1), interval("c", 15, 20, 1),
		interval("d", 0, 10, 1),
	}
	newer := [][]version.Value{
		interval("a", 0, 10, 1), interval("a", 20, 30, 2), interval("a", 40, 51, 1), interval("a", 55, 70, 1), interval("a", 80, 82, 1), interval("a", 88, 90, 1),
		interval("b", 0, 30, 1), interval("b", 40, 40, 1),
		interval("c", 0, 5, 1), interval("c", 8, 20, 1),
		interval("e", 0, 10, 1),
	}
	r, err := compare.Tables(rowsOf(intervalColumns, older), rowsOf(intervalColumns, newer), intervals)
	require.NoError(t, err)
	require.Equal(t, compare.Reasons{
		Identical: 1, Content: 1, Moved: 2, Split: 1, SplitInto: 2, Merged: 2, MergedInto: 1, Regrouped: 2, RegroupedInto: 2, Vanished: 1, Appeared: 2,
	}, *r.Reasons)
	require.Equal(t, []string{"user", "start", "n", "end"}, r.Columns)
	var reasons []string
	for _, e := range r.Examples {
		reasons = append(reasons, e.Reason)
	}
	require.Equal(t, []string{"changed content", "moved boundary", "moved boundary", "split", "merged", "appeared", "regrouped", "vanished", "appeared"}, reasons)
	require.Equal(t, []compare.Change{{"n", 1}, {"end", 4}}, r.Changes)
}

// TestReasonsAtRandom compares with groups found by looking at every pair.
func TestReasonsAtRandom(t *testing.T) {
	for seed := range uint64(60) {
		random := rand.New(rand.NewPCG(seed, 1))
		var rows [2][][]version.Value
		for side := range rows {
			for user := range 3 {
				for at := int64(0); at < 200; {
					at += 1 + random.Int64N(12)
					length := random.Int64N(15)
					rows[side] = append(rows[side], interval(fmt.Sprint(user), at, at+length, random.Int64N(2)))
					at += length
				}
			}
		}
		r, err := compare.Tables(rowsOf(intervalColumns, rows[0]), rowsOf(intervalColumns, rows[1]), intervals)
		require.NoError(t, err)
		require.Equal(t, naive(rows), *r.Reasons, "seed %d", seed)
		x := r.Reasons
		require.Equal(t, r.Rows.Old, x.Identical+x.Content+x.Moved+x.Split+x.Merged+x.Regrouped+x.Vanished)
		require.Equal(t, r.Rows.New, x.Identical+x.Content+x.Moved+x.SplitInto+x.MergedInto+x.RegroupedInto+x.Appeared)
		require.Equal(t, r.Rows.Old, r.Rows.Equal+r.Rows.Changed+r.Rows.OnlyOld)
		require.Equal(t, r.Rows.New, r.Rows.Equal+r.Rows.Changed+r.Rows.OnlyNew)
		require.EqualValues(t, len(rows[0]), r.Rows.Old)
	}
}

func naive(rows [2][][]version.Value) (r compare.Reasons) {
	type item struct {
		side, group int
		row         []version.Value
	}
	var items []item
	for side := range rows {
		for _, row := range rows[side] {
			items = append(items, item{side, len(items), row})
		}
	}
	bounds := func(i item) (from, to int64) {
		to, _ = i.row[2].AsInt()
		from, _ = i.row[3].AsInt()
		return from, to
	}
	for changed := true; changed; {
		changed = false
		for i := range items {
			for j := range items {
				a, b := bounds(items[i])
				c, d := bounds(items[j])
				if items[i].row[1] == items[j].row[1] && a <= d && c <= b && items[i].group < items[j].group {
					items[j].group, changed = items[i].group, true
				}
			}
		}
	}
	groups := map[int][2][]item{}
	for _, i := range items {
		g := groups[i.group]
		g[i.side] = append(g[i.side], i)
		groups[i.group] = g
	}
	for _, g := range groups {
		o, n := int64(len(g[0])), int64(len(g[1]))
		switch {
		case n == 0:
			r.Vanished += o
		case o == 0:
			r.Appeared += n
		case o == 1 && n == 1 && slices.Equal(g[0][0].row, g[1][0].row):
			r.Identical++
		case o == 1 && n == 1 && slices.Equal(g[0][0].row[1:], g[1][0].row[1:]):
			r.Content++
		case o == 1 && n == 1:
			r.Moved++
		case o == 1:
			r.Split++
			r.SplitInto += n
		case n == 1:
			r.Merged += o
			r.MergedInto++
		default:
			r.Regrouped += o
			r.RegroupedInto += n
		}
	}
	return r
}

func TestByKey(t *testing.T) {
	older := []version.Column{{Name: "id", Key: 1}, {Name: "x"}, {Name: "gone"}}
	newer := []version.Column{{Name: "more"}, {Name: "x"}, {Name: "id", Key: 1}}
	o := rowsOf(older, [][]version.Value{{version.Int(1), version.Text("a"), {}}, {version.Int(2), version.Text("b"), {}}, {version.Int(3), version.Text("\x1b[2J"), {}}})
	n := rowsOf(newer, [][]version.Value{{{}, version.Text("a"), version.Int(1)}, {{}, {}, version.Int(2)}, {{}, version.Text("c"), version.Int(4)}})
	r, err := compare.Tables(o, n, compare.Options{Limit: 2})
	require.NoError(t, err)
	require.Equal(t, compare.Rows{Old: 3, New: 3, Equal: 1, Changed: 1, OnlyOld: 1, OnlyNew: 1}, r.Rows)
	require.Equal(t, [3][]string{{"id", "x"}, {"gone"}, {"more"}}, [3][]string{r.Columns, r.OnlyOld, r.OnlyNew})
	require.Len(t, r.Examples, 2)
	text, err := json.Marshal(r)
	require.NoError(t, err)
	require.Contains(t, string(text), `{"reason":"changed","old":[[2,"b"]],"new":[[2,null]]}`)
	require.Nil(t, r.Reasons)
	require.NotContains(t, r.Text(), "\x1b")
}

func TestLogs(t *testing.T) {
	older := []version.Extent{{Split: "t/0", To: 5}, {Split: "t/1", From: 2, To: 9, Incarnation: "x"}, {Split: "t/2", To: 1}}
	newer := []version.Extent{{Split: "t/0", To: 5}, {Split: "t/1", From: 2, To: 1200, Incarnation: "y"}, {Split: "t/3", To: 1}}
	var text []string
	for _, d := range compare.Logs(older, newer) {
		text = append(text, d.Text("v1", "v2"))
	}
	require.Equal(t, []string{
		"t/1: v1 read offsets 2 to 9, v2 offsets 2 to 1,200, of another topic of that name (x, y)", "t/2: v1 read offsets 0 to 1, v2 nothing", "t/3: v1 read nothing, v2 offsets 0 to 1",
	}, text)
	require.Empty(t, compare.Logs(older, older))
}

func TestRefused(t *testing.T) {
	good := func() version.Rows { return rowsOf(intervalColumns, [][]version.Value{interval("a", 0, 1, 1)}) }
	other := rowsOf([]version.Column{{Name: "user", Key: 1}, {Name: "start"}}, nil)
	_, err := compare.Tables(good(), other, compare.Options{})
	require.ErrorContains(t, err, "keys (user, start) and (user)")
	_, err = compare.Tables(good(), good(), compare.Options{Intervals: compare.Intervals{Start: "user", End: "end"}})
	require.ErrorContains(t, err, "last of the key")
	_, err = compare.Tables(good(), good(), compare.Options{Intervals: compare.Intervals{Start: "start", End: "never"}})
	require.ErrorContains(t, err, "column never")
	_, err = compare.Tables(good(), rowsOf(intervalColumns, [][]version.Value{interval("b", 9, 1, 1)}), intervals)
	require.ErrorContains(t, err, "row (b, 9) is not an interval")
	wrong := version.Rows{Columns: intervalColumns, All: func(yield func([]version.Value, error) bool) {
		_ = yield(interval("b", 0, 1, 1), nil) && yield(interval("a", 0, 1, 1), nil)
	}}
	_, err = compare.Tables(good(), wrong, compare.Options{})
	require.ErrorContains(t, err, "the new version do not come in the order of their key: (b, 0) stands before (a, 0)")
	lost := errors.New("lost")
	broken := version.Rows{Columns: intervalColumns, All: func(yield func([]version.Value, error) bool) { yield(nil, lost) }}
	_, err = compare.Tables(broken, good(), compare.Options{})
	require.ErrorIs(t, err, lost)
}

// TestLarge merges tables that memory would feel, and keeps no more than it shows.
func TestLarge(t *testing.T) {
	const n = 50_000
	generate := func(gap int64) version.Rows {
		return version.Rows{Columns: intervalColumns, All: func(yield func([]version.Value, error) bool) {
			for i := range int64(n) {
				if !yield(interval("a", i*100, i*100+gap, i), nil) {
					return
				}
			}
		}}
	}
	r, err := compare.Tables(generate(50), generate(51), intervals)
	require.NoError(t, err)
	require.EqualValues(t, n, r.Reasons.Moved)
	require.Len(t, r.Examples, 100)
	require.True(t, strings.HasPrefix(r.Text(), ": "))
}
