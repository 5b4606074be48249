package explain

import (
	"cmp"
	"slices"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
	"github.com/millrace/millrace/window"
)

// Life is what happened to the key in the windows of an operator, after the job has run. The rows of the Recorder's sink are taken to be that operator's, perhaps
// filtered or mapped on the way.
func (r *Recorder[T, E, O]) Life(operator string) *Life[E, O] {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := &builder[E, O]{life: &Life[E, O]{Key: r.cfg.Key, Operator: operator, window: r.cfg.Window, Steps: []Step[E, O]{}, Windows: []Result[O]{}}, notes: map[place]*noted[E]{}, fires: map[window.TimeWindow]int64{}, floor: watermark.Max, last: watermark.Min, rows: r.rows}
	for _, n := range r.notes {
		at := &noted[E]{note: n}
		b.notes[place{n.split, n.offset}] = at
		b.order = append(b.order, at)
	}
	for i := range r.events {
		if e := &r.events[i]; e.Kind == stream.TraceEnded {
			b.floor = min(b.floor, e.Watermark)
			b.life.Splits = append(b.life.Splits, SplitEnd{e.Split, e.Offset, e.Watermark})
		} else if e.Operator == operator && e.Kind <= stream.TraceLate {
			b.last = max(b.last, e.Origin)
		}
	}
	slices.SortFunc(b.life.Splits, func(a, b SplitEnd) int { return cmp.Compare(a.Split, b.Split) })
	for i := range r.events {
		if e := &r.events[i]; e.Operator == operator || e.Key == "" && e.Kind >= stream.TraceQuarantined {
			b.take(e)
		}
	}
	b.settle(false)
	for _, n := range b.order {
		b.unseen(n)
	}
	for i := range b.life.Windows {
		if w := &b.life.Windows[i]; w.Open {
			w.Waits = b.waits(w.Window)
		}
	}
	return b.life
}

type place struct {
	split  string
	offset int64
}

// noted is a note and whether it has its step.
type noted[E any] struct {
	note[E]
	placed bool
}

type builder[E, O any] struct {
	life      *Life[E, O]
	notes     map[place]*noted[E]
	order     []*noted[E] // as they were read, but for the first ones that have their steps
	rows      []sink.Row[O]
	past      []Decision[O]               // windows that have closed, for the reasons of late records
	fires     map[window.TimeWindow]int64 // the watermarks that windows are emitted at
	last      int64                       // the highest watermark that a record of the key came after
	floor     int64                       // the lowest watermark that a split ended at: what is due later is open
	retracted []retraction[O]             // results taken back, by what is fired next
	current   *Record[E]                  // the record of the last step
}

// take puts an event where it belongs.
func (b *builder[E, O]) take(e *stream.TraceEvent) {
	d := decisionOf[O](e)
	if e.Kind == stream.TraceEnded {
		return
	}
	if e.Kind != stream.TraceFired && e.Kind != stream.TraceRetracted {
		b.settle(false)
	}
	switch e.Kind {
	case stream.TraceQuarantined:
		d.Reason = "its time lies too far ahead of the log's own: it was set aside and moved no watermark"
		b.about(e, d)
	case stream.TraceUndecodable:
		b.about(e, d)
	case stream.TraceOpened, stream.TraceAdded, stream.TraceMerged:
		b.about(e, d)
	case stream.TraceLate:
		b.life.Late++
		d.Reason = b.whyLate(e)
		b.about(e, d)
	case stream.TraceFired:
		b.fired(e, d)
	case stream.TraceRetracted:
		b.dropRows(e)
		b.retracted = append(b.retracted, retraction[O]{e, d})
	case stream.TraceRemoved:
		b.past = append(b.past, d)
		if e.ClosesAt <= b.floor && e.ClosesAt > e.FiresAt {
			b.beside(e, d)
		}
	default:
		b.beside(e, d)
	}
}

func decisionOf[O any](e *stream.TraceEvent) Decision[O] {
	return Decision[O]{
		Kind: e.Kind.String(), kind: e.Kind, Window: e.Window, Before: e.Before, Watermark: e.Watermark, Split: e.Split, Offset: e.Offset, FiresAt: e.FiresAt,
		ClosesAt: e.ClosesAt, Records: e.Records, Late: e.Late, Partial: e.Partial,
	}
}

// about adds a decision to the step of the record that it is about, made when the first one comes.
func (b *builder[E, O]) about(e *stream.TraceEvent, d Decision[O]) {
	n := b.notes[place{e.Split, e.Offset}]
	if n == nil { // another key's, of a source
		return
	}
	if !n.placed {
		for len(b.order) > 0 && b.order[0].placed {
			b.order = b.order[1:]
		}
		for _, earlier := range b.order {
			if earlier == n {
				break
			}
			if earlier.split == n.split {
				b.unseen(earlier)
			}
		}
		n.placed = true
		b.current = &Record[E]{Split: n.split, Offset: n.offset, Timestamp: e.Timestamp, Watermark: e.Origin, Value: n.value, Err: n.err}
		b.life.Steps = append(b.life.Steps, Step[E, O]{Record: b.current})
	}
	b.append(d)
}

func (b *builder[E, O]) append(d Decision[O]) {
	s := &b.life.Steps[len(b.life.Steps)-1]
	s.Decisions = append(s.Decisions, d)
}

// beside adds what is not about a record itself: to the step of the record that caused it, or to one of time.
func (b *builder[E, O]) beside(e *stream.TraceEvent, d Decision[O]) {
	caused := e.Late && b.current != nil && b.current.Split == e.Split && b.current.Offset == e.Offset
	if !caused {
		last := len(b.life.Steps) - 1
		if last < 0 || b.life.Steps[last].Record != nil || b.life.Steps[last].Decisions[0].Watermark != d.Watermark {
			b.life.Steps = append(b.life.Steps, Step[E, O]{})
		}
		b.current = nil
	}
	b.append(d)
}

// unseen makes the step of a record that no window was given.
func (b *builder[E, O]) unseen(n *noted[E]) {
	if n.placed {
		return
	}
	n.placed = true
	b.current = nil
	b.life.Steps = append(b.life.Steps, Step[E, O]{Record: &Record[E]{
		Split: n.split, Offset: n.offset, Timestamp: n.logged, Watermark: watermark.Min, Value: n.value, Err: n.err, Unseen: true,
	}})
}

// fired notes what a window has emitted. A split that ends no longer holds back the others, and at the end of all everything fires: what is due beyond the watermark that
// all splits have reached would not have fired, had the log gone on. It is open, unless a record of the key itself, whose split is the key's only one, came after it was due.
func (b *builder[E, O]) fired(e *stream.TraceEvent, d Decision[O]) {
	open := e.FiresAt > max(b.floor, b.last) && !e.Late
	b.settle(open)
	w := Result[O]{Window: e.Window, Records: e.Records, Open: open, Partial: e.Partial, Rows: []O{}}
	for len(b.rows) > 0 && b.rows[0].Op == sink.Upsert && b.rows[0].Timestamp == e.Window.MaxTimestamp() {
		w.Rows = append(w.Rows, b.rows[0].Value)
		b.rows = b.rows[1:]
	}
	b.life.Windows = append(b.life.Windows, w)
	b.fires[w.Window] = e.FiresAt
	if d.Rows = w.Rows; !open {
		if d.Watermark == watermark.Max {
			d.Watermark = d.FiresAt
		}
		b.beside(e, d)
	}
}

// retraction is a result that is taken back, by what is fired next, if anything.
type retraction[O any] struct {
	event    *stream.TraceEvent
	decision Decision[O]
}

// settle ends the taking back of results by what is fired now. Those that a window which is open is to replace stand until it is emitted.
func (b *builder[E, O]) settle(open bool) {
	for _, r := range b.retracted {
		for i := len(b.life.Windows) - 1; i >= 0; i-- {
			if b.life.Windows[i].Window != r.event.Window {
				continue
			}
			if open {
				b.life.Windows[i].Provisional = true
			} else {
				b.life.Windows = slices.Delete(b.life.Windows, i, i+1)
			}
			break
		}
		if !open {
			b.beside(r.event, r.decision)
		}
	}
	b.retracted = nil
}

// dropRows passes over the rows that take a window back.
func (b *builder[E, O]) dropRows(e *stream.TraceEvent) {
	for len(b.rows) > 0 && b.rows[0].Op == sink.Delete && b.rows[0].Timestamp == e.Window.MaxTimestamp() {
		b.rows = b.rows[1:]
	}
}
