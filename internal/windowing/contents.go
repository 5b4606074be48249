package windowing

import (
	"slices"

	"github.com/millrace/millrace/state"
)

// Fold is how a window's contents A grow from records T: a list of the records themselves, or an accumulator. Its functions have no state.
type Fold[T, A any] struct {
	Add     func(a *A, v T) error
	Merge   func(into, from *A) error // from is not used afterwards
	Retract func(a *A, v T) error     // takes a record back; nil where the contents cannot
	// Keep drops all but the last n records; nil where the contents are no list.
	Keep  func(a *A, n int64)
	Codec state.Codec[A]
}

// Elements keeps the records as they are.
func Elements[T any](codec state.Codec[T]) Fold[T, []T] {
	return Fold[T, []T]{
		Add:   func(a *[]T, v T) error { *a = append(*a, v); return nil },
		Merge: func(into, from *[]T) error { *into = append(*into, *from...); return nil },
		Keep: func(a *[]T, n int64) {
			if drop := int64(len(*a)) - n; drop > 0 {
				*a = slices.Delete(*a, 0, int(drop))
			}
		},
		Codec: List(codec),
	}
}
