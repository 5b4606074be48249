// Package exchange hands typed batches between tasks over bounded lanes.
//
// An Exchange connects every writer (one per sending task) with every inbox (one per receiving task) by a lane of its own. A lane has a few batches,
// made once and recycled: the writer takes a free one, fills it, sends it; the receiver empties it and gives it back. When none is free the writer waits,
// so memory is bounded and a slow receiver stops its senders. Control - watermark, idleness, barrier, end - rides on the batches, in order.
//
// A receiver always takes from its inbox, also while it aligns a barrier: batches of lanes that are already past the barrier are set aside, at most a lane's
// credit of them, so aligning cannot block the others.
package exchange

import (
	"context"
	"slices"
	"sync/atomic"
	"unsafe"

	"github.com/millrace/millrace/internal/flow"
)

// Envelope is a record in a lane.
type Envelope[T any] struct {
	Meta  flow.Meta
	Value T
}

// Batch is what travels: records, then the state of the lane after them.
type Batch[T any] struct {
	Records   []Envelope[T]
	Watermark int64
	Idle, End bool
	Barrier   int64 // number of the checkpoint whose barrier follows the records; 0 for none
	Lane      int   // number of the lane in its inbox
	Split     int32 // the Writer's
	size      int   // records that it is sent with
	free      chan *Batch[T]
}

// Release gives the batch back to its lane, keeping nothing of its records.
func (b *Batch[T]) Release() {
	clear(b.Records)
	b.Records = b.Records[:0]
	b.Barrier = 0
	b.free <- b
}

// next is a further record, for the caller to fill.
func (b *Batch[T]) next() *Envelope[T] {
	n := len(b.Records)
	if n == cap(b.Records) { // only an atomic step is longer than a batch
		b.Records = slices.Grow(b.Records, 1)
	}
	b.Records = b.Records[:n+1]
	return &b.Records[n]
}

// Inbox is the receiving end of one task.
type Inbox[T any] struct {
	C     chan *Batch[T]
	lanes int
}

// Lanes is the number of lanes there were when the receiver started.
func (in *Inbox[T]) Lanes() int { return in.lanes }

// Exchange is one run's connection between two stages. Writers and inboxes are made before the tasks start, from one goroutine; further
// writers may join later, one at a time.
type Exchange[T any] struct {
	inboxes []*Inbox[T]
	size    int
	credit  int
	records int64        // that all lanes together may hold, as far as the least of a lane allows
	lanes   atomic.Int64 // that there are
}

// The least that a lane has: a batch on its way while another is filled.
const (
	minSize   = 16
	minCredit = 2
)

// New makes the receiving side: parallelism inboxes, lanes of at most credit batches of size records, and fewer or smaller ones where there are so many lanes that
// together they would take more than a number of bytes, not counting what records refer to.
func New[T any](parallelism, size, credit int, bytes int64) *Exchange[T] {
	x := &Exchange[T]{size: size, credit: credit, records: bytes / int64(unsafe.Sizeof(Envelope[T]{}))}
	for range parallelism {
		x.inboxes = append(x.inboxes, &Inbox[T]{C: make(chan *Batch[T], 64)})
	}
	return x
}

// portion is what a lane may have.
func (x *Exchange[T]) portion() (size, credit int) {
	records := int(x.records / max(1, x.lanes.Load()))
	size = min(x.size, max(minSize, records/minCredit))
	return size, min(x.credit, max(minCredit, records/size))
}

// Inbox is the receiving end of a subtask.
func (x *Exchange[T]) Inbox(subtask int) *Inbox[T] { return x.inboxes[subtask] }

// Route chooses the subtask that a record goes to, and says what Meta.Hash is to be there.
type Route[T any] interface {
	Route(m *flow.Meta, v T) (subtask int, hash uint64, err error)
}

// Writer is the sending end of one task. It is a flow.Pusher and a flow.Control; Flush, Barrier, Idle and End are the task's to call.
type Writer[T any] struct {
	// Split is that of the sending task, flow.NoSplit where it has none.
	Split     int32
	ctx       context.Context
	blocked   func(waits bool)
	x         *Exchange[T]
	route     Route[T]
	lanes     []lane[T]
	watermark int64
	idle      bool
	ended     bool
	pending   int // records in unsent batches
}

type lane[T any] struct {
	number    int
	free      chan *Batch[T]
	made      int
	open      *Batch[T]
	watermark int64 // last sent
	idle      bool  // last sent
}

// Writer adds a sending task. ctx ends its waiting; blocked is told when it begins and ends to wait for a receiver.
func (x *Exchange[T]) Writer(ctx context.Context, blocked func(waits bool), route Route[T]) *Writer[T] {
	w := &Writer[T]{Split: flow.NoSplit, ctx: ctx, blocked: blocked, x: x, route: route, watermark: minWatermark, lanes: make([]lane[T], len(x.inboxes))}
	for i, in := range x.inboxes {
		w.lanes[i] = lane[T]{number: in.lanes, free: make(chan *Batch[T], x.credit), watermark: minWatermark}
		in.lanes++
	}
	x.lanes.Add(int64(len(x.inboxes)))
	return w
}

const minWatermark = -1 << 63

func (w *Writer[T]) Push(m *flow.Meta, v T) error {
	r, hash, err := w.route.Route(m, v)
	if err != nil {
		return err
	}
	l := &w.lanes[r]
	if l.open == nil {
		if err := w.take(l); err != nil {
			return err
		}
	}
	e := l.open.next()
	e.Meta, e.Value = *m, v
	e.Meta.Hash = hash
	w.pending++
	if len(l.open.Records) >= l.open.size && !m.More { // an atomic step stays in one batch
		return w.send(r, 0)
	}
	return nil
}

// Advance is the watermark that the next batches carry.
func (w *Writer[T]) Advance(watermark int64) error {
	w.watermark = watermark
	return nil
}

// take makes a lane's open batch: a free one, a new one while the lane has credit, or the next to come back.
func (w *Writer[T]) take(l *lane[T]) error {
	select {
	case l.open = <-l.free:
		return nil
	default:
	}
	if size, credit := w.x.portion(); l.made < credit {
		l.made++
		l.open = &Batch[T]{Records: make([]Envelope[T], 0, size), size: size, free: l.free}
		return nil
	}
	w.blocked(true)
	defer w.blocked(false)
	select {
	case l.open = <-l.free:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}

func (w *Writer[T]) send(r int, barrier int64) error {
	l := &w.lanes[r]
	b := l.open
	l.open = nil
	w.pending -= len(b.Records)
	b.Split = w.Split
	b.Lane, b.Watermark, b.Idle, b.End, b.Barrier = l.number, w.watermark, w.idle, w.ended, barrier
	l.watermark, l.idle = w.watermark, w.idle
	select {
	case w.x.inboxes[r].C <- b:
		return nil
	default:
	}
	w.blocked(true)
	defer w.blocked(false)
	select {
	case w.x.inboxes[r].C <- b:
		return nil
	case <-w.ctx.Done():
		return context.Cause(w.ctx)
	}
}

// Flush sends what is open, and the watermark where it moved.
func (w *Writer[T]) Flush() error {
	for r := range w.lanes {
		l := &w.lanes[r]
		if l.open == nil && l.watermark == w.watermark && l.idle == w.idle {
			continue
		}
		if err := w.sendControl(r, 0); err != nil {
			return err
		}
	}
	return nil
}

// Barrier sends what is open, and the barrier behind it, on every lane.
func (w *Writer[T]) Barrier(checkpoint int64) error {
	for r := range w.lanes {
		if err := w.sendControl(r, checkpoint); err != nil {
			return err
		}
	}
	return nil
}

// SetIdle says whether the sender holds back time; it takes effect with the next Flush.
func (w *Writer[T]) SetIdle(idle bool) { w.idle = idle }

// End tells every lane that no records follow. Barriers still may.
func (w *Writer[T]) End() error {
	w.ended = true
	return w.Barrier(0)
}

func (w *Writer[T]) sendControl(r int, barrier int64) error {
	if w.lanes[r].open == nil {
		if err := w.take(&w.lanes[r]); err != nil {
			return err
		}
	}
	return w.send(r, barrier)
}
