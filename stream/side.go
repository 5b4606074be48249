package stream

import (
	"fmt"
	"sync"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/internal/runtime"
)

// Tag names a side output of a function: further results, of another type if need be, beside the main ones. Make it with NewTag and share it between the
// function and SideOutput. It is safe for concurrent use.
type Tag[T any] struct {
	name  string
	mu    sync.RWMutex
	bound map[tagKey]flow.Pusher[T]
}

type tagKey struct {
	run  *runtime.Run
	task int
	uid  string
}

// NewTag makes a tag.
func NewTag[T any](name string) *Tag[T] {
	return &Tag[T]{name: name, bound: map[tagKey]flow.Pusher[T]{}}
}

// String is the tag's name.
func (t *Tag[T]) String() string { return t.name }

// SideOutput is what the function behind s, a stream that Process returned, emits to the tag.
func SideOutput[O, T any](s DataStream[O], tag *Tag[T]) DataStream[T] {
	n := s.out.node
	out := newOutput(s.out.job, n, builtin[T]())
	if n.kind != "process" {
		s.out.job.fail(n, fmt.Errorf("it has no side outputs, so nothing comes out of %q: give SideOutput the stream that Process returned", tag))
	}
	n.sides = append(n.sides, func(t *runtime.Task) flow.Control {
		next, control := out.build(t)
		key := tagKey{t.Run(), t.ID(), n.uid}
		tag.mu.Lock()
		tag.bound[key] = next
		tag.mu.Unlock()
		t.OnClose(func() error {
			tag.mu.Lock()
			delete(tag.bound, key)
			tag.mu.Unlock()
			return nil
		})
		return control
	})
	return DataStream[T]{out: out}
}

func (n *node) buildSides(t *runtime.Task) flow.Control {
	var cs []flow.Control
	for _, s := range n.sides {
		cs = append(cs, s(t))
	}
	return flow.Join(cs...)
}

// EmitTo sends v to a side output, with the timestamp of the record or timer at hand. Where nobody reads the tag it is dropped.
func EmitTo[T any](ctx *Context, tag *Tag[T], v T) error {
	*ctx.emitted++
	tag.mu.RLock()
	next := tag.bound[tagKey{ctx.task.Run(), ctx.task.ID(), ctx.uid}]
	tag.mu.RUnlock()
	if next == nil {
		ctx.task.Book().End(ctx.meta, ledger.Filtered)
		return nil
	}
	if err := next.Push(ctx.meta, v); err != nil {
		return err
	}
	ctx.task.At = ctx.uid
	return nil
}
