package windowing_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/internal/windowing"
	"github.com/millrace/millrace/state/memory"
	"github.com/millrace/millrace/window"
)

// bench is an operator that counts records of one key; panes and late records come out as text.
type bench struct {
	*windowing.Operator[int64, int]
	t   *testing.T
	out []string
}

func newBench(t *testing.T, a window.Assigner, lateness int64, oneSplit bool) *bench {
	t.Helper()
	backend, err := memory.Backend().Open("", 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, backend.Close()) })
	b := &bench{t: t}
	b.Operator = windowing.New(windowing.Config[int64, int]{
		Assigner: a, Lateness: lateness, OneSplitPerKey: oneSplit,
		Fold: windowing.Fold[int64, int]{
			Add:   func(n *int, _ int64) error { *n++; return nil },
			Merge: func(into, from *int) error { *into += *from; return nil },
			Codec: codec.Int(),
		},
		Store: keyed.New(keyed.Config{Backend: backend, ShardOf: func([]byte) uint16 { return 0 }, Shards: []uint16{0}}),
		Now:   func() int64 { return 0 },
		Key:   func(int64) ([]byte, error) { return []byte("key"), nil },
		Fire: func(p *windowing.Pane[int]) error {
			sign := ""
			if p.Meta.Retract {
				sign = "-"
			}
			b.out = append(b.out, fmt.Sprintf("%s[%d,%d)x%d", sign, p.Window.Start, p.Window.End, *p.Contents))
			return nil
		},
		Partial: func() int64 { return math.MinInt64 },
		Late:    lateText{b}, Next: flow.Still, Book: &ledger.Book{},
	})
	return b
}

type lateText struct{ *bench }

func (l lateText) Push(m *flow.Meta, v int64) error {
	require.True(l.t, m.Counted, "it has ended for the ledger")
	l.out = append(l.out, fmt.Sprintf("late %d", v))
	return nil
}

// push takes in a record at a time, with its origin watermark.
func (b *bench) push(at, origin int64) {
	require.NoError(b.t, b.Push(&flow.Meta{Timestamp: at, Origin: origin}, at))
}

// came is what has come out, after the end of time.
func (b *bench) came() []string {
	require.NoError(b.t, b.Advance(math.MaxInt64))
	return b.out
}

const begun = math.MinInt64 // the origin of a split's first record

func millis(n int) time.Duration { return time.Duration(n) * time.Millisecond }

// A record is judged by what its own split had promised, though the operator's time stands where another split holds it.
func TestRecordsAreJudgedByTheirOrigin(t *testing.T) {
	b := newBench(t, window.Tumbling(millis(10)), 0, false)
	b.push(3, begun)
	b.push(5, 20)
	b.push(25, 20)
	require.Equal(t, []string{"late 5", "[0,10)x1", "[20,30)x1"}, b.came())
	require.Equal(t, ledger.Counts{Used: 2, Late: 1}, b.Book.Copy()[0].Counts())
}

// A session also owns a record at exactly its end, so it is open until nothing at its end can follow.
func TestSessionsRunAMillisecondBehind(t *testing.T) {
	b := newBench(t, window.EventTimeSession(millis(10)), 0, false)
	b.push(0, begun)
	require.NoError(t, b.Advance(9))
	b.push(10, 9)
	require.Equal(t, []string{"[0,20)x2"}, b.came())
}

// A session that is closed to a record does not take it by merging either, even if it is still there.
func TestClosedSessionsDoNotMerge(t *testing.T) {
	b := newBench(t, window.EventTimeSession(millis(10)), 0, false)
	b.push(0, begun)
	b.push(10, 12)
	require.Equal(t, []string{"[0,10)x1", "[10,20)x1"}, b.came())
}

// What is due at a record's origin fires before the record, where its key's records are known to come from one split.
func TestTimersBeforeRecords(t *testing.T) {
	b := newBench(t, window.Tumbling(millis(10)), 100, true)
	b.push(5, begun)
	b.push(6, 50)
	require.Equal(t, []string{"[0,10)x1", "-[0,10)x1", "[0,10)x2"}, b.came())
}

// A session that merges takes back what both of its parts have shown.
func TestMergedSessionsAreTakenBack(t *testing.T) {
	b := newBench(t, window.EventTimeSession(millis(10)), 1000, false)
	b.push(0, begun)
	b.push(15, begun)
	require.NoError(t, b.Advance(100))
	b.push(10, 100)
	require.Equal(t, []string{"[0,10)x1", "[15,25)x1", "-[0,10)x1", "-[15,25)x1", "[0,25)x3"}, b.came())
}
