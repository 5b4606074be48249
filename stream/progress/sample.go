package progress

import (
	"time"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
)

// How far back the rates of Now reach, and how many frames are kept for that.
const (
	rateWindow  = 3 * time.Second
	frameEvery  = 250 * time.Millisecond
	mostFrames  = int(rateWindow/frameEvery) + 1
	etaWindow   = 30 * time.Second
	etaAtLeast  = time.Second
	closeEnough = 2 // seconds of the live rate: a job so near the log's end has caught up
	fewRecords  = 100
)

// sample takes a frame, adds a point and makes Now. The caller holds the lock.
func (r *Recorder) sample(at time.Time) {
	f := newFrame(at, r.job)
	back := r.back(f)
	if f.moved(back) || f.settled() || len(f.splits) == 0 {
		r.moved = at
	}
	p := r.point(f)
	live := r.live(f)
	p.Live = max(0, live)
	r.series.add(p)
	if n := f.total("restarts"); n > r.restarts {
		r.mark(at, Restarted, "")
		r.restarts = n
	}
	n := r.look(f, back, p, live)
	if n.CaughtUp && r.behind && !r.caught && !n.Bounded {
		r.mark(at, CaughtUp, "")
		r.caught = true
	}
	r.behind = r.behind || len(f.splits) > 0 && !n.CaughtUp
	n.Marks = append([]Mark(nil), r.marks...)
	r.now = n
}

// back is the frame that rates are taken from, and keeps f for later ones.
func (r *Recorder) back(f *frame) *frame {
	for len(r.frames) > 1 && f.at.Sub(r.frames[1].at) >= rateWindow {
		r.frames = r.frames[1:]
	}
	if n := len(r.frames); n == 0 || f.at.Sub(r.frames[n-1].at) >= frameEvery && n <= mostFrames {
		r.frames = append(r.frames, f)
	}
	return r.frames[0]
}

// point is the frame as totals.
func (r *Recorder) point(f *frame) Point {
	p := r.base
	p.At = f.at.UnixMilli()
	p.Events += f.events() - r.offset.events()
	p.Rows += f.total("rows_written") - r.offset.total("rows_written")
	p.Late += f.total("late") - r.offset.total("late")
	p.Quarantined += f.total("quarantined") - r.offset.total("quarantined")
	p.Checkpoints += f.total("checkpoints") - r.offset.total("checkpoints")
	p.Read, p.Total = r.work(f)
	for _, s := range f.status.Splits {
		p.Bytes += r.grow("bytes\x00"+splitKey(s), s.Bytes)
	}
	for _, t := range f.status.Tasks {
		key := taskKey(t)
		p.Busy += r.grow("busy\x00"+key, t.Busy.Milliseconds())
		p.Idle += r.grow("idle\x00"+key, t.Idle.Milliseconds())
		p.Blocked += r.grow("blocked\x00"+key, t.Blocked.Milliseconds())
		p.Paused += r.grow("paused\x00"+key, t.Paused.Milliseconds())
	}
	p.Latency = r.latency(f)
	p.EventTime = 0
	if t := instant(f.status.Watermark); !t.IsZero() {
		p.EventTime = t.UnixMilli()
	}
	return p
}

// latency is the mean of all sinks' writes of late, in milliseconds; what it was before where there were none.
func (r *Recorder) latency(f *frame) float64 {
	var writes int64
	var took time.Duration
	for name, s := range f.sinks {
		if old := r.frames[0].sinks[name]; s.Writes > old.Writes {
			writes, took = writes+s.Writes-old.Writes, took+s.WriteTime-old.WriteTime
		}
	}
	if writes == 0 {
		last, _ := r.series.last()
		return last.Latency
	}
	return took.Seconds() * 1000 / float64(writes)
}

// work is how many positions have been passed and are to be passed in all; the second is 0 where that is not known.
func (r *Recorder) work(f *frame) (read, total int64) {
	known := len(f.splits) > 0
	for _, s := range f.status.Splits {
		start, end := r.start(s), end(s)
		read += max(0, s.Position-start)
		if known = known && end >= 0; known {
			total += max(end, s.Position) - start
		}
	}
	if !known {
		return read, 0
	}
	return read, total
}

// start is the position that a split's way begins at: where the job's first run began; of state that does not say it, as far as the history goes back. So it does
// not matter which of several runs was looked at first.
func (r *Recorder) start(s stream.SplitStatus) int64 {
	began := s.StartPosition
	if s.From >= 0 {
		began = min(began, s.From)
	}
	key := s.Operator + "/" + s.ID
	first, known := r.starts[key]
	if !known || began < first {
		first = began
		r.starts[key] = first
	}
	return first
}

// end is the position that a split's way ends at for now, -1 where that is not known.
func end(s stream.SplitStatus) int64 {
	switch {
	case s.Stop != source.Unbounded && s.Stop != source.ToEnd:
		return s.Stop
	case s.LogEnd >= 0:
		return s.LogEnd
	}
	return -1
}

// remaining is the time that is left at the rate of the last half minute, in seconds; -1 where that cannot be said.
func (r *Recorder) remaining(p Point, live float64, bounded bool) float64 {
	if p.Total == 0 || r.state != Running {
		return -1
	}
	left := float64(p.Total - p.Read)
	if left <= 0 {
		return 0
	}
	window := min(etaWindow, max(etaAtLeast, time.Duration(p.At-r.first.At)*time.Millisecond/2))
	old, ok := r.series.before(window)
	if !ok || time.Duration(p.At-old.At)*time.Millisecond < etaAtLeast {
		return -1
	}
	rate := 1000 * float64(p.Read-old.Read) / float64(p.At-old.At)
	if !bounded {
		rate -= max(0, live)
	}
	if rate <= 0 {
		return -1
	}
	return left / rate
}
