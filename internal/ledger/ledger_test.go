package ledger_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/ledger"
)

func TestCounts(t *testing.T) {
	c := ledger.Counts{In: 10, Copied: 2, Used: 4, Late: 1, Filtered: 1, DeadLettered: 1, Skipped: 1, Quarantined: 1, Expired: 3}
	require.Zero(t, c.Difference())
	require.Equal(t, "10 in + 2 copied = 4 used + 1 late + 1 filtered + 1 dead lettered + 1 skipped + 1 quarantined + 3 expired", c.String())
	require.Equal(t, "0 in = 0 used", ledger.Counts{}.String())
	require.Equal(t, ledger.Counts{In: 20, Copied: 4, Used: 8, Late: 2, Filtered: 2, DeadLettered: 2, Skipped: 2, Quarantined: 2, Expired: 6}, c.Plus(c))
	for _, wrong := range []ledger.Counts{{In: 1}, {Copied: 1}, {Used: 1}, {Late: 1}, {Filtered: 1}, {DeadLettered: 1}, {Skipped: 1}, {Quarantined: 1}, {Expired: 1}} {
		require.NotZero(t, c.Plus(wrong).Difference(), "%+v", wrong)
	}
}

func TestBalanced(t *testing.T) {
	l := ledger.Ledger{
		{Operator: "clicks", Split: "clicks/0", Counts: ledger.Counts{In: 5, Used: 5}},
		{Operator: "clicks", Split: "clicks/1", Counts: ledger.Counts{In: 5, Used: 3}},
		{Operator: "clicks", Split: "clicks/2", Counts: ledger.Counts{In: 5, Used: 7}},
	}
	require.NoError(t, l[:1].Balanced())
	require.Zero(t, l.Total().Difference(), "the splits are judged each by itself")
	err := l.Balanced()
	require.True(t, errors.Is(err, ledger.ErrUnbalanced))
	require.NotContains(t, err.Error(), "clicks/0")
	require.ErrorContains(t, err, `of split clicks/1 of "clicks" 2 that were read did not end (5 in != 3 used); of split clicks/2 of "clicks" 2 ended that were not read (5 in != 7 used)`)
}

func TestBook(t *testing.T) {
	var b ledger.Book
	m := &flow.Meta{Split: 2}
	b.Add(2, ledger.In, 3)
	b.End(m, ledger.Used)
	b.Became(m, 0)
	b.Became(m, 1)
	b.Became(m, 4)
	earlier := b.Copy()
	counted := &flow.Meta{Split: 5, Counted: true}
	b.End(counted, ledger.Used)
	b.Became(counted, 0)
	b.Became(counted, 7)
	require.Len(t, b.Copy(), 3, "what was counted before is not counted")
	b.End(m, ledger.Late)
	require.Equal(t, ledger.Counts{In: 3, Copied: 3, Used: 1, Filtered: 1}, earlier[2].Counts(), "a copy stays as it is")
	require.Equal(t, ledger.Counts{In: 3, Copied: 3, Used: 1, Filtered: 1, Late: 1}, b.Copy()[2].Counts())
	require.Zero(t, earlier[0].Counts())
}
