package generator

import (
	"context"
	"time"
)

// maxWait is the longest that take waits before it reports that nothing is due, and maxBehind the longest arrears it makes up for.
const (
	maxWait   = 100 * time.Millisecond
	maxBehind = time.Second
)

// pace hands out records at a steady rate, counted from its first use.
type pace struct {
	perSecond float64 // 0: no limit
	from      time.Time
	taken     float64 // since from
}

func newPace(perSecond float64) pace { return pace{perSecond: perSecond} }

// take waits until a record is due, for maxWait at most, and takes up to n of those that are. caughtUp says that no more are due.
func (p *pace) take(ctx context.Context, n int64) (taken int64, caughtUp bool, err error) {
	if p.perSecond == 0 {
		return n, false, nil
	}
	now := time.Now()
	if p.from.IsZero() {
		p.from = now
	}
	due := p.due(now)
	// At a rate below one a second, a record takes longer to fall due than maxBehind.
	p.taken = max(p.taken, due-max(1, p.perSecond*maxBehind.Seconds()))
	if due-p.taken < 1 {
		until := time.Duration((p.taken + 1 - due) / p.perSecond * float64(time.Second))
		timer := time.NewTimer(min(until+time.Nanosecond, maxWait))
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return 0, false, ctx.Err()
		case now = <-timer.C:
		}
		due = p.due(now)
	}
	ready := int64(due - p.taken)
	taken = max(min(n, ready), 0)
	p.taken += float64(taken)
	return taken, taken == ready, nil
}

// due is how many records should have been made by now.
func (p *pace) due(now time.Time) float64 { return now.Sub(p.from).Seconds() * p.perSecond }
