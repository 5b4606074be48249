package main

import (
	"context"
	"time"
)

// paceSlack is how far a pace may run ahead before it waits: sleeping for each click would be too coarse.
const paceSlack = 5 * time.Millisecond

// pace keeps to a number of clicks a second. What was missed while something else was slow is not made up for beyond a second.
type pace struct {
	each time.Duration // 0 for no limit
	next time.Time
}

func newPace(perSecond int) *pace {
	if perSecond <= 0 {
		return &pace{}
	}
	return &pace{each: time.Second / time.Duration(perSecond), next: time.Now()}
}

// wait returns when the next click is due, or with ctx's error.
func (p *pace) wait(ctx context.Context) error {
	if p.each == 0 {
		return ctx.Err()
	}
	now := time.Now()
	if behind := now.Add(-time.Second); p.next.Before(behind) {
		p.next = behind
	}
	p.next = p.next.Add(p.each)
	ahead := p.next.Sub(now)
	if ahead < paceSlack {
		return ctx.Err()
	}
	t := time.NewTimer(ahead)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
