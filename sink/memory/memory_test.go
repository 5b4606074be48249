package memory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/sink/sinktest"
)

type (
	record = sinktest.Record
	target = sinktest.Target[record]
)

type recordKey struct {
	id  string
	seq int64
}

func keyOf(r record) recordKey { return recordKey{r.ID, r.Seq} }

func TestListConforms(t *testing.T) {
	sinktest.Run(t, sinktest.Config[record]{
		New: func(*testing.T) target {
			list := new(memory.List[record])
			return target{Sink: func() sink.Sink[record] { return list }, Rows: func(*testing.T) []record { return list.Rows() }}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Atomic: true, Parallel: true},
	})
}

func TestTableConforms(t *testing.T) {
	sinktest.Run(t, sinktest.Config[record]{
		New: func(*testing.T) target {
			table := memory.NewTable(keyOf)
			return target{Sink: func() sink.Sink[record] { return table }, Rows: func(*testing.T) []record { return table.Rows() }}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Upserts: true, Atomic: true, Parallel: true},
	})
}

func TestCommittedConforms(t *testing.T) {
	sinktest.Run(t, sinktest.Config[record]{
		New: func(*testing.T) target {
			list := new(memory.Committed[record])
			return target{Sink: func() sink.Sink[record] { return list }, Rows: func(*testing.T) []record { return list.Rows() }}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Commits: true, Parallel: true},
	})
}

func TestTransactedConforms(t *testing.T) {
	sinktest.Run(t, sinktest.Config[record]{
		New: func(*testing.T) target {
			list := memory.NewTransacted[record](new(memory.System))
			return target{Sink: func() sink.Sink[record] { return list }, Rows: func(*testing.T) []record { return list.Rows() }}
		},
		Value:    sinktest.Same,
		Features: sinktest.Features{Transactions: true, Atomic: true, Parallel: true},
	})
}

func TestTableTellsChanges(t *testing.T) {
	table := memory.NewTable(func(word string) byte { return word[0] })
	w, err := table.Open(t.Context(), sink.Env{})
	require.NoError(t, err)
	changes := []sink.Row[string]{{Value: "apple"}, {Value: "bean"}, {Value: "avocado"}, {Value: "bean", Op: sink.Delete}, {Value: "beet"}}
	require.NoError(t, w.Write(t.Context(), changes))
	require.Equal(t, []string{"avocado", "beet"}, table.Rows(), "keys keep the order in which they first came")
	require.Equal(t, changes, table.Changes())
	got, ok := table.Get('a')
	require.True(t, ok)
	require.Equal(t, "avocado", got)
	_, ok = table.Get('z')
	require.False(t, ok)
}

func TestFailWhen(t *testing.T) {
	boom := errors.New("boom")
	var committed memory.Committed[int]
	failing := memory.Call("")
	committed.FailWhen(func(c memory.Call) error {
		if c == failing {
			return sink.Temporary(boom)
		}
		return nil
	})
	failing = memory.Open
	_, err := committed.Open(t.Context(), sink.Env{})
	require.ErrorIs(t, err, boom)
	failing = memory.Write
	w, err := committed.Open(t.Context(), sink.Env{})
	require.NoError(t, err)
	err = w.Write(t.Context(), []sink.Row[int]{{Value: 1}})
	require.ErrorIs(t, err, boom)
	require.True(t, sink.IsTemporary(err))
	failing = memory.Prepare
	require.NoError(t, w.Write(t.Context(), []sink.Row[int]{{Value: 2}}))
	c := w.(sink.Committer)
	_, err = c.Prepare(t.Context(), 1, false)
	require.ErrorIs(t, err, boom)
	failing = memory.Commit
	pending, err := c.Prepare(t.Context(), 1, false)
	require.NoError(t, err)
	require.ErrorIs(t, c.Commit(t.Context(), pending), boom)
	require.Empty(t, committed.Rows())
	committed.FailWhen(nil)
	require.NoError(t, c.Commit(t.Context(), pending))
	require.Equal(t, []int{2}, committed.Rows())
}

func TestCommittedRefusesWhatItDoesNotKnow(t *testing.T) {
	var committed memory.Committed[int]
	w, err := committed.Open(t.Context(), sink.Env{})
	require.NoError(t, err)
	require.ErrorContains(t, w.(sink.Committer).Commit(t.Context(), []byte("0/9/9")), "nothing was prepared")
}

func ExampleTable() {
	type count struct {
		word string
		n    int
	}
	counts := memory.NewTable(func(c count) string { return c.word })
	w, _ := counts.Open(context.Background(), sink.Env{})
	_ = w.Write(context.Background(), []sink.Row[count]{{Value: count{"mill", 1}}, {Value: count{"race", 1}}, {Value: count{"mill", 2}}})
	fmt.Println(counts.Rows())
	// Output: [{mill 2} {race 1}]
}
