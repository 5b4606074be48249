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

// keeper is a codec whose records may share memory with the batch they came in, and how to make them stand alone.
type keeper[T any] interface {
	Aliases() bool
	Keep(v T) T
}

// Keeping is what makes a record fit to stay in state, nil where it is.
func Keeping[T any](codec state.Codec[T]) func(T) T {
	if k, ok := codec.(keeper[T]); ok && k.Aliases() {
		return k.Keep
	}
	return nil
}

// Elements keeps the records as they are, but for those that share their batch's memory.
func Elements[T any](codec state.Codec[T]) Fold[T, []T] {
	keep := Keeping(codec)
	return Fold[T, []T]{
		Add: func(a *[]T, v T) error {
			if keep != nil {
				v = keep(v)
			}
			*a = append(*a, v)
			return nil
		},
		Merge: func(into, from *[]T) error { *into = append(*into, *from...); return nil },
		Keep: func(a *[]T, n int64) {
			if drop := int64(len(*a)) - n; drop > 0 {
				*a = slices.Delete(*a, 0, int(drop))
			}
		},
		Codec: List(codec),
	}
}
