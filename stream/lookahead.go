package stream

import (
	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
)

// lookahead is the flow.Expecter of an operator with keyed state.
type lookahead[T any] struct {
	state *keyed.Store
	named func(T) ([]byte, error)
}

// Expecting implements flow.Expecter.
func (l lookahead[T]) Expecting(records int) bool { return l.state.Expecting(records) }

// Expect implements flow.Expecter. A record without a key is for Push to complain of.
func (l lookahead[T]) Expect(m *flow.Meta, v T) {
	if m.For == flow.Sinks {
		return
	}
	if key, err := l.named(v); err == nil {
		l.state.Expect(key)
	}
}

// Fetch implements flow.Expecter.
func (l lookahead[T]) Fetch() error { return l.state.Fetch() }

// Touch implements flow.Expecter.
func (l lookahead[T]) Touch(hash uint64) { l.state.Touch(hash) }
