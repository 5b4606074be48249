package progress

import (
	"time"

	"github.com/millrace/millrace/stream"
)

// liveWindow is the time that the live rate is taken over, where it was looked at so often: brokers tell the log's end in jumps.
const liveWindow = 15 * time.Second

// A tide follows the end of one split's log. The end is known when a chunk is fetched, which a job that is slower than its log does seldom; so the rate is
// taken between moments at which the end was seen to have moved. Only of a split that waits at its end is it known that nothing has come since.
type tide struct {
	seen []observation // of the last liveWindow, and one before; by time
}

type observation struct {
	at  time.Time
	end int64
}

// look takes what a split says now.
func (t *tide) look(at time.Time, s stream.SplitStatus) {
	if s.LogEnd < 0 {
		return
	}
	n := len(t.seen)
	if n > 0 && s.LogEnd < t.seen[n-1].end { // another log
		t.seen, n = nil, 0
	}
	if n == 0 || s.LogEnd > t.seen[n-1].end {
		t.seen = append(t.seen, observation{at, s.LogEnd})
	} else if s.AtEnd && !s.Finished && at.Sub(t.seen[n-1].at) >= liveWindow {
		t.seen = append(t.seen[:0], observation{at.Add(-liveWindow), s.LogEnd}, observation{at, s.LogEnd})
	}
	for len(t.seen) > 2 && at.Sub(t.seen[1].at) >= liveWindow {
		t.seen = t.seen[1:]
	}
}

// rate is the growth per second; false where the end was not seen to move.
func (t *tide) rate() (float64, bool) {
	n := len(t.seen)
	if n < 2 {
		return 0, false
	}
	took := t.seen[n-1].at.Sub(t.seen[0].at)
	if took < time.Second {
		return 0, false
	}
	return float64(t.seen[n-1].end-t.seen[0].end) / took.Seconds(), true
}

// live is the growth of all splits' logs per second, -1 where that is not known; splits that do not tell yet are taken to grow as the others do.
func (r *Recorder) live(f *frame) float64 {
	var sum float64
	var known int
	for _, s := range f.status.Splits {
		key := splitKey(s)
		t := r.tides[key]
		if t == nil {
			t = &tide{}
			r.tides[key] = t
		}
		t.look(f.at, s)
		if v, ok := t.rate(); ok {
			sum += v
			known++
		}
	}
	if known == 0 {
		return -1
	}
	return sum * float64(len(f.status.Splits)) / float64(known)
}
