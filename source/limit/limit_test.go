package limit_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/limit"
)

var start = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// task emits what a limiter lets it, on a clock of its own.
type task struct {
	limiter *limit.Limiter
	most    int
	size    int64
	ticket  limit.Ticket
	emitted int
	waits   int
}

// next waits and emits one slice, by a clock that stands at now, and says what time it is then.
func (k *task) next(now time.Time) time.Time {
	for {
		wait, _ := k.limiter.Ask(now, &k.ticket, k.most)
		if wait == 0 {
			break
		}
		now = now.Add(wait)
		k.waits++
	}
	n := k.ticket.Events
	k.limiter.Pay(now, &k.ticket, n, int64(n)*k.size)
	k.emitted += n
	return now
}

// Over any time the rate is exact, by few waits, whichever of the two bounds is the tighter.
func TestRateIsExact(t *testing.T) {
	for name, c := range map[string]struct {
		rate  limit.Rate
		size  int64
		want  float64 // events per second
		waits float64 // per second, at most
	}{
		"one in ten seconds": {limit.Rate{Events: 0.1}, 100, 0.1, 0.11},
		"ten":                {limit.Rate{Events: 10}, 100, 10, 10},
		"a thousand":         {limit.Rate{Events: 1000}, 100, 1000, 101},
		"a million":          {limit.Rate{Events: 1e6}, 100, 1e6, 4000},
		"bytes":              {limit.Rate{Bytes: 5000}, 100, 50, 51},
		"many bytes":         {limit.Rate{Bytes: 1e8}, 100, 1e6, 4000},
		"large records":      {limit.Rate{Bytes: 1000}, 20_000, 0.05, 0.06},
		"bytes are tighter":  {limit.Rate{Events: 1000, Bytes: 10_000}, 100, 100, 101},
		"events are tighter": {limit.Rate{Events: 100, Bytes: 1e6}, 100, 100, 101},
		"sizes unknown":      {limit.Rate{Events: 100, Bytes: 10}, 0, 100, 101},
	} {
		t.Run(name, func(t *testing.T) {
			k := &task{limiter: limit.New(c.rate), most: 256, size: c.size}
			n := max(20, int(c.want*20))
			now := start
			for k.emitted < n {
				now = k.next(now)
			}
			took := now.Sub(start).Seconds()
			slices := 256. // that a byte bound learns of too late
			require.InDelta(t, float64(k.emitted)/c.want, took, max(1, min(slices, 0.01*c.want))/c.want+1e-6)
			require.LessOrEqual(t, float64(k.waits), c.waits*took+2)
		})
	}
}

// Several tasks share one rate evenly.
func TestTasksShare(t *testing.T) {
	l := limit.New(limit.Rate{Events: 1000})
	tasks := []*task{{limiter: l, most: 256}, {limiter: l, most: 256}, {limiter: l, most: 256}}
	due := []time.Time{start, start, start}
	for now := start; now.Before(start.Add(30 * time.Second)); {
		first := 0
		for i := range due {
			if due[i].Before(due[first]) {
				first = i
			}
		}
		k := tasks[first]
		now = due[first]
		wait, _ := l.Ask(now, &k.ticket, k.most)
		if wait > 0 {
			due[first] = now.Add(wait)
			continue
		}
		k.emitted += k.ticket.Events
		l.Pay(now, &k.ticket, k.ticket.Events, 0)
	}
	for _, k := range tasks {
		require.InDelta(t, 10_000, k.emitted, 30)
	}
}

// What was not used is kept for a tenth of a second, what a late wake-up missed is made up for.
func TestBurst(t *testing.T) {
	k := &task{limiter: limit.New(limit.Rate{Events: 1000}), most: 256}
	now := k.next(start)
	now = now.Add(time.Hour)
	at := now
	before := k.emitted
	for now = k.next(now); now.Equal(at); now = k.next(now) {
	}
	require.InDelta(t, 100, k.emitted-before, 20)

	wait, _ := k.limiter.Ask(now, &k.ticket, 256)
	require.Equal(t, 10*time.Millisecond, wait.Round(time.Millisecond))
	late, emitted := now.Add(90*time.Millisecond), 0
	for wait, _ = k.limiter.Ask(late, &k.ticket, 256); wait == 0; wait, _ = k.limiter.Ask(late, &k.ticket, 256) {
		emitted += k.ticket.Events
		k.limiter.Pay(late, &k.ticket, k.ticket.Events, 0)
	}
	require.InDelta(t, 90, emitted, 10)
}

// A changed rate holds at once for who waits, and a ticket of the old one does not hold up the new.
func TestSet(t *testing.T) {
	l := limit.New(limit.Rate{Events: 0.01})
	var ticket limit.Ticket
	wait, changed := l.Ask(start, &ticket, 256)
	require.Equal(t, time.Minute, wait, "a long wait is looked at again")
	select {
	case <-changed:
		t.Fatal("nothing has changed")
	default:
	}
	l.Set(limit.Rate{Events: 0.01})
	select {
	case <-changed:
		t.Fatal("the same rate is no change")
	default:
	}
	l.Set(limit.Rate{Events: 1000})
	<-changed
	wait, changed = l.Ask(start, &ticket, 256)
	require.Equal(t, 10, ticket.Events)
	require.Equal(t, 10*time.Millisecond, wait)

	l.Set(limit.Rate{})
	<-changed
	wait, changed = l.Ask(start, &ticket, 256)
	require.Zero(t, wait)
	for range 1000 { // and time stands still
		l.Pay(start, &ticket, ticket.Events, 1)
		wait, _ = l.Ask(start, &ticket, 256)
		require.Zero(t, wait)
		require.Equal(t, 256, ticket.Events)
	}
	l.Set(limit.Rate{Events: 10})
	<-changed
	l.Pay(start, &ticket, 256, 1)
	wait, _ = l.Ask(start, &ticket, 256)
	require.Equal(t, 100*time.Millisecond, wait, "the new rate begins without debts")
	require.Equal(t, 1, ticket.Events)
	require.Equal(t, limit.Rate{Events: 10}, l.Wanted())
}

// What a ticket was not used for goes back.
func TestUnusedTicket(t *testing.T) {
	l := limit.New(limit.Rate{Events: 100})
	var a, b limit.Ticket
	wait, _ := l.Ask(start, &a, 256)
	require.Equal(t, 10*time.Millisecond, wait)
	l.Pay(start, &a, 0, 0)
	require.Zero(t, a)
	wait, _ = l.Ask(start, &b, 256)
	require.Equal(t, 10*time.Millisecond, wait)
}

func TestNoBound(t *testing.T) {
	for _, r := range []limit.Rate{{}, {Events: -1}, {Events: math.NaN(), Bytes: math.Inf(1)}} {
		l := limit.New(r)
		var ticket limit.Ticket
		wait, _ := l.Ask(start, &ticket, 256)
		require.Zero(t, wait)
		require.Equal(t, 256, ticket.Events)
		require.Equal(t, "no limit", l.State().String())
	}
	require.Equal(t, "10 events/s and 1000 bytes/s", limit.Rate{Events: 10, Bytes: 1000}.String())
	require.Equal(t, "10 events/s", limit.Rate{Events: 10}.String())
	require.Equal(t, "1000 bytes/s", limit.Rate{Bytes: 1000}.String())
}

// Until one task has seen what a record takes, the others wait for it, though not for ever.
func TestUntilASizeIsSeen(t *testing.T) {
	now := start
	l := limit.New(limit.Rate{Bytes: 1000})
	var a, b, c limit.Ticket
	ask := func(t *limit.Ticket) time.Duration {
		wait, _ := l.Ask(now, t, 256)
		return wait
	}
	require.Zero(t, ask(&a))
	wait, changed := l.Ask(now, &b, 256)
	require.Equal(t, time.Second, wait)
	now = now.Add(time.Second)
	require.Zero(t, ask(&b), "the first did not come to it")
	require.Equal(t, time.Second, ask(&c))

	l.Pay(now, &b, 1, 50)
	<-changed
	require.Zero(t, ask(&c), "the second that passed is good for 100 bytes")
	l.Pay(now, &c, 1, 50)
	require.Equal(t, 50*time.Millisecond, ask(&c), "the size is known")
}
