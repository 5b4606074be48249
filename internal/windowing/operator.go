// Package windowing is the window operator: it puts records into the windows of their key, decides by event time what is late, when a window is
// emitted and when it is gone, and takes back results that late records supersede.
//
// Every decision about a record is made with its origin watermark: what its own split had promised just before it. The operator's own watermark,
// which depends on how the splits interleaved, only counts where it is higher, and it fires what no record did. Sessions run one millisecond behind:
// a session [start, end) also owns a record at exactly end, so it may only close when nothing at end can follow.
package windowing

import (
	"math"
	"slices"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/ledger"
	"github.com/millrace/millrace/window"
)

// Config is one window operator. The functions are called on the operator's task.
type Config[T, A any] struct {
	Assigner window.Assigner
	Gap      func(v T) int64 // the dynamic gap of a session in milliseconds; nil for the assigner's own
	Trigger  window.Trigger  // nil fires at the end of the window, and on each late record it takes
	Lateness int64           // allowed lateness in milliseconds
	Strict   bool            // refuse every record at or below its origin watermark less the lateness, whatever window is open for it
	// OneSplitPerKey fires a key's own timers up to the origin watermark before each of its records.
	OneSplitPerKey bool
	Fold           Fold[T, A]
	Store          *keyed.Store
	Now            func() int64                             // processing time in milliseconds
	Key            func(v T) ([]byte, error)                // valid until the next call
	Admit          func(e *keyed.Entry, m *flow.Meta) error // checks a record's key against where it came from; nil admits all
	Fire           func(p *Pane[A]) error                   // emits a pane
	// Stateful says that operators with state read the panes, so that they are told at once of panes that will be superseded.
	Stateful bool
	Partial  func() int64   // event time up to which records may be missing, as the log was begun in its middle
	Late     flow.Pusher[T] // takes the records that no window took
	Next     flow.Control
	// Provenance keeps beside a window's contents where its records stand, for Pane.From.
	Provenance bool
	Trace      *Tracer      // is told of decisions; nil for nobody
	Book       *ledger.Book // counts what became of records; nil for one of its own
}

// Pane is one emission of a window's contents.
type Pane[A any] struct {
	Key       string // valid during the call
	Window    window.TimeWindow
	Contents  *A         // the function may not change it
	Meta      *flow.Meta // what the outputs carry
	Late      bool       // a late record caused it
	Partial   bool       // records of it may lie before the place where the log was begun
	Watermark int64      // the operator's own, which depends on timing
	From      []Range    // where the records stand, by split; nil without Provenance. Valid during the call
}

// Counters counts what the operator did.
type Counters struct {
	LateRecords  int64 // records no window took
	LateByIdling int64 // of these, records that only the operator's higher watermark, after idleness, made late
	Refusable    int64 // records at or below their origin watermark less the lateness: what Strict refuses, counted also without it
	Panes        int64
	Retractions  int64
	PartialPanes int64 // panes that may lack records, as the job began in mid-log
}

// live is a window that is not cleaned up yet. What each record looks at comes first.
type live[A any] struct {
	window.TimeWindow
	count    int64
	timer    int64 // the trigger's own, keyed.None without
	fired    bool  // the contents are what was last emitted
	ended    bool  // time has reached MaxTimestamp
	contents A
	shown    []pane  // what was emitted before and is to be taken back by the next emission
	from     *ranges // where the records stand; nil where that is not kept
}

// pane is a result that was emitted: enough to emit it again as a retraction.
type pane struct {
	window   window.TimeWindow
	contents []byte
	told     bool // it was taken back already, as far as operators with state are concerned
	from     []Range
}

// Operator is a window operator of one task. It is a flow.Pusher and a flow.Control.
type Operator[T, A any] struct {
	Config[T, A]
	Counters
	cell       *keyed.Cell[windows[A]]
	domain     keyed.Domain
	merging    bool
	processing bool
	retracts   bool
	keep       int64
	gap        int64 // of the package window's sessions, in milliseconds; else 0
	plain      bool  // of sessions: no trigger, no provenance and no trace
	watermark  int64
	input      int64 // the watermark that came in: for sessions, a millisecond ahead
	assigned   []window.TimeWindow
	meta       flow.Meta
	late       flow.Meta // of a late record
	pane       Pane[A]
	context    triggerContext
	dueFunc    func(*keyed.Entry, int64) error // due, made once
	more       bool                            // the record at hand is not the last of its atomic step
	now        int64                           // for Trace: the time that decisions are made at
	cause      *flow.Meta                      // for Trace: the record that they are about, nil where time is at work
}

// New makes an operator and declares its cell in the store.
func New[T, A any](c Config[T, A]) *Operator[T, A] {
	traits := c.Assigner.Traits()
	o := &Operator[T, A]{
		Config:     c,
		cell:       keyed.NewCell(c.Store, cellName, windowsCodec[A]{c.Fold.Codec}),
		merging:    traits.Merging,
		processing: traits.ProcessingTime,
		watermark:  math.MinInt64,
		input:      math.MinInt64,
	}
	if o.Trigger == nil {
		o.Trigger = traits.Trigger
	}
	if o.Book == nil {
		o.Book = &ledger.Book{}
	}
	if o.processing {
		o.domain = keyed.ProcessingTime
	}
	o.dueFunc = o.due
	o.keep = traits.KeepLast
	if sessions, ok := c.Assigner.(window.SessionAssigner); ok { // itself: what embeds one may assign otherwise
		o.gap = sessions.Gap().Milliseconds()
	}
	o.plain = o.merging && o.Trigger == nil && !o.Provenance && o.Trace == nil
	// Windows that keep their last records emit one result after the other, not versions of one.
	o.retracts = (o.Lateness > 0 || o.Trigger != nil) && o.keep == 0
	return o
}

func (o *Operator[T, A]) behind(w int64) int64 {
	if o.merging {
		return flow.Behind(w)
	}
	return w
}

// closing is when nothing more is taken and the window is cleaned up.
func (o *Operator[T, A]) closing(w window.TimeWindow) int64 {
	return flow.AddSaturating(w.MaxTimestamp(), o.Lateness)
}

// Push puts a record into its windows.
func (o *Operator[T, A]) Push(m *flow.Meta, v T) error {
	if m.For == flow.Sinks {
		return nil
	}
	ts, origin := m.Timestamp, o.behind(m.Origin)
	now := max(origin, o.watermark)
	if o.processing {
		ts = o.Now()
		now, origin = ts-1, ts-1
	}
	key, err := o.Key(v)
	if err != nil {
		return err
	}
	e, _, err := o.Store.Entry(key, m.Hash)
	if err != nil {
		return err
	}
	if o.Admit != nil {
		if err := o.Admit(e, m); err != nil {
			return err
		}
	}
	if o.OneSplitPerKey {
		for o.Store.Deadline(e, o.domain) <= origin {
			o.decidesAt(origin, nil)
			if err := o.due(e, o.Store.Deadline(e, o.domain)); err != nil {
				return err
			}
		}
	}
	// Strictness goes by the split's own promise, also for sessions: judged a millisecond behind, it would let a record pass whose session
	// another split's record has closed or not, as they happen to come.
	refusable := !o.processing && flow.AddSaturating(ts, o.Lateness) <= max(m.Origin, o.input)
	if refusable {
		o.Refusable++
	}
	first := o.assign(v, ts)
	o.decidesAt(now, m)
	took := false
	if (!o.Strict || !refusable) && len(o.assigned) > 0 {
		if o.merging {
			took, err = o.merge(e, m, first, v, ts, now)
		} else {
			took, err = o.add(e, m, v, ts, now)
		}
		if err != nil {
			return err
		}
	}
	if took {
		o.Store.Dirty(e)
	}
	o.Store.Settle(e)
	switch {
	case took:
		o.Book.End(m, ledger.Used)
		return nil
	case len(o.assigned) == 0:
		o.Book.End(m, ledger.Filtered)
		return nil
	}
	o.Book.End(m, ledger.Late)
	o.LateRecords++
	if now > origin && o.open(origin) {
		o.LateByIdling++
	}
	if o.traces(e.Key) {
		o.tellRecord(Refused, e, m, o.latest(), nil, 0)
	}
	o.late = *m
	o.late.Counted = true
	return o.Late.Push(&o.late, v)
}

// assign finds the record's windows, of which it returns the first.
func (o *Operator[T, A]) assign(v T, ts int64) (first window.TimeWindow) {
	switch {
	case o.Gap != nil:
		first = window.OfGap(ts, o.Gap(v))
	case o.gap > 0:
		first = window.OfGap(ts, o.gap)
	default:
		if o.assigned = o.Assigner.Assign(o.assigned[:0], ts); len(o.assigned) > 0 {
			first = o.assigned[0]
		}
		return first
	}
	o.assigned = append(o.assigned[:0], first)
	return first
}

// open reports whether a window of the record was open at time.
func (o *Operator[T, A]) open(time int64) bool {
	for _, w := range o.assigned {
		if o.closing(w) > time {
			return true
		}
	}
	return false
}

// latest is the record's window that closes last.
func (o *Operator[T, A]) latest() window.TimeWindow {
	last := o.assigned[0]
	for _, w := range o.assigned[1:] {
		if w.End > last.End {
			last = w
		}
	}
	return last
}

// add puts a record into windows that do not merge.
func (o *Operator[T, A]) add(e *keyed.Entry, m *flow.Meta, v T, ts, now int64) (took bool, err error) {
	var ws *windows[A]
	for _, w := range o.assigned {
		if o.closing(w) <= now {
			continue
		}
		if !took {
			took, ws = true, o.cell.Ensure(e)
		}
		i := ws.place(w)
		decision := Added
		if i == ws.count() || ws.at(i).TimeWindow != w {
			ws.insert(i, live[A]{TimeWindow: w, timer: keyed.None})
			decision = Opened
		}
		if o.traces(e.Key) {
			o.tellRecord(decision, e, m, w, beforeOf(decision, w), ws.at(i).count)
		}
		if err := o.fold(e, ws.at(i), m, v, ts, now); err != nil {
			return took, err
		}
		ws.drop(i)
	}
	if took {
		o.settle(e, ws)
	}
	return took, nil
}

// merge puts a record into a session: its own, w, joined with the open ones that it touches.
func (o *Operator[T, A]) merge(e *keyed.Entry, m *flow.Meta, w window.TimeWindow, v T, ts, now int64) (took bool, err error) {
	first, n := 0, 0
	cover := w
	var before []window.TimeWindow // for Trace
	traced := o.traces(e.Key)
	ws := o.cell.Get(e)
	if ws != nil {
		if o.plain && ws.n == 1 && !m.Retract {
			if long, err := o.prolong(e, &ws.first, w, v, now); long || err != nil {
				return true, err
			}
		}
		for i := range ws.count() {
			l := ws.at(i)
			if !l.Touches(w) || o.closing(l.TimeWindow) <= now {
				continue
			}
			if n == 0 {
				first = i
			}
			n++
			cover = cover.Cover(l.TimeWindow)
			if traced {
				before = append(before, l.TimeWindow)
			}
		}
	}
	if n == 0 {
		if o.closing(w) <= now {
			return false, nil
		}
		ws = o.cell.Ensure(e)
		first = ws.place(w)
		ws.insert(first, live[A]{TimeWindow: w, timer: keyed.None})
	}
	l := ws.at(first)
	// Windows are sorted by start and those that are open do not touch each other, so the ones the record touches follow each other, but for
	// closed ones between them, which stay.
	for i := first + 1; n > 1; i++ {
		other := ws.at(i)
		if !other.Touches(w) || o.closing(other.TimeWindow) <= now {
			continue
		}
		if err := o.absorb(l, other); err != nil {
			return true, err
		}
		ws.remove(i)
		l, i, n = ws.at(first), i-1, n-1
	}
	if cover != l.TimeWindow {
		if err := o.stash(l); err != nil {
			return true, err
		}
		l.TimeWindow = cover
		l.ended = l.ended && cover.MaxTimestamp() <= o.watermark
	}
	if traced {
		o.tellRecord(joining(len(before)), e, m, cover, before, l.count)
	}
	if err := o.fold(e, l, m, v, ts, now); err != nil {
		return true, err
	}
	ws.drop(first)
	o.settle(e, ws)
	return true, nil
}

// prolong does what merge does where a record comes into its key's only session, which has not come to its end, and reports whether that is so. Most records are of that kind, and need not go
// the long way.
func (o *Operator[T, A]) prolong(e *keyed.Entry, l *live[A], w window.TimeWindow, v T, now int64) (bool, error) {
	cover := l.Cover(w)
	if l.fired || l.ended || l.shown != nil || !l.Touches(w) || o.closing(l.TimeWindow) <= now || cover.MaxTimestamp() <= now {
		return false, nil
	}
	l.TimeWindow = cover
	l.count++
	o.Store.SetDeadline(e, o.domain, endable(cover.MaxTimestamp()))
	return true, o.Fold.Add(&l.contents, v)
}

// absorb takes over another window's contents and what it has shown.
func (o *Operator[T, A]) absorb(into, from *live[A]) error {
	if err := o.stash(into); err != nil {
		return err
	}
	if err := o.stash(from); err != nil {
		return err
	}
	into.shown = append(into.shown, from.shown...)
	into.count += from.count
	into.join(from)
	into.timer = min(into.timer, from.timer)
	return o.Fold.Merge(&into.contents, &from.contents)
}

// stash remembers what a window has shown, before its contents change.
func (o *Operator[T, A]) stash(l *live[A]) error {
	if !l.fired {
		return nil
	}
	l.fired = false
	if !o.retracts {
		return nil
	}
	b, err := o.Fold.Codec.Append(nil, l.contents)
	if err != nil {
		return err
	}
	p := pane{window: l.TimeWindow, contents: b}
	if o.Provenance {
		p.from = slices.Clone(l.places())
	}
	l.shown = append(l.shown, p)
	return nil
}

// fold adds the record, or takes it back, and lets the trigger decide.
func (o *Operator[T, A]) fold(e *keyed.Entry, l *live[A], m *flow.Meta, v T, ts, now int64) error {
	if err := o.stash(l); err != nil {
		return err
	}
	if m.Retract {
		l.count--
		if err := o.Fold.Retract(&l.contents, v); err != nil {
			return err
		}
	} else {
		l.count++
		if err := o.Fold.Add(&l.contents, v); err != nil {
			return err
		}
	}
	if o.Provenance {
		l.note(m)
	}
	result := window.Continue
	if o.Trigger != nil {
		result = o.Trigger.OnElement(l.TimeWindow, ts, o.at(l, now))
	} else if l.MaxTimestamp() <= now {
		result = window.Fire
	}
	o.more = m.More
	err := o.apply(e, l, result, now, !o.processing && l.MaxTimestamp() <= now)
	o.more = false
	if err != nil || !o.Stateful {
		return err
	}
	return o.announce(e, l, now)
}
