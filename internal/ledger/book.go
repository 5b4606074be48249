package ledger

import (
	"slices"

	"github.com/millrace/millrace/internal/flow"
)

// Class is what is counted of a record.
type Class uint8

// The classes, as the fields of Counts.
const (
	In Class = iota
	Copied
	Used
	Late
	Filtered
	DeadLettered
	Skipped
	Quarantined
	Expired
)

// Tally is counts by class. It is as long as two lines of a processor's cache, so that the books of tasks never share one.
type Tally [16]int64

// Book is what a task counts, by the number of the split that records came from. The zero value is empty. It belongs to the task's goroutine.
type Book struct{ splits []Tally }

// End counts the end of a record, unless it has ended before.
func (b *Book) End(m *flow.Meta, c Class) {
	if !m.Counted {
		b.Add(m.Split, c, 1)
	}
}

// Became counts that a record became n others.
func (b *Book) Became(m *flow.Meta, n int64) {
	switch {
	case n == 1 || m.Counted:
	case n == 0:
		b.Add(m.Split, Filtered, 1)
	default:
		b.Add(m.Split, Copied, n-1)
	}
}

// Add counts n records of a split. The number is not negative.
func (b *Book) Add(split int32, c Class, n int64) {
	if int(split) >= len(b.splits) {
		b.grow(split)
	}
	b.splits[split][c] += n
}

func (b *Book) grow(split int32) {
	b.splits = append(b.splits, make([]Tally, int(split)+1-len(b.splits))...)
}

// Copy is the tallies as they are, by split.
func (b *Book) Copy() []Tally { return slices.Clone(b.splits) }

// Counts is the tally by name.
func (t Tally) Counts() Counts {
	return Counts{
		In: t[In], Copied: t[Copied], Used: t[Used], Late: t[Late], Filtered: t[Filtered],
		DeadLettered: t[DeadLettered], Skipped: t[Skipped], Quarantined: t[Quarantined], Expired: t[Expired],
	}
}

// Ends counts what comes to the end of a stream that nobody reads.
type Ends[T any] struct{ Book *Book }

// Push counts a record as filtered.
func (e Ends[T]) Push(m *flow.Meta, _ T) error {
	e.Book.End(m, Filtered)
	return nil
}

// Tee pushes to all of ps in order, counting copies.
func Tee[T any](b *Book, ps []flow.Pusher[T]) flow.Pusher[T] {
	switch len(ps) {
	case 0:
		return Ends[T]{b}
	case 1:
		return ps[0]
	}
	return &tee[T]{b, flow.Tee(ps), int64(len(ps))}
}

type tee[T any] struct {
	book *Book
	all  flow.Pusher[T]
	n    int64
}

func (t *tee[T]) Push(m *flow.Meta, v T) error {
	t.book.Became(m, t.n)
	return t.all.Push(m, v)
}
