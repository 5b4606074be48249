package limit_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/limit"
)

func governed(t *testing.T, a limit.Adaptive) *limit.Limiter {
	t.Helper()
	g, err := limit.NewGovernor(a)
	require.NoError(t, err)
	return limit.New(limit.Rate{}).Govern(g)
}

// interval has a second pass in which so many events are emitted and the writes took so long; a negative time is a failed write.
type interval struct {
	emitted int
	took    []time.Duration
}

func (i interval) pass(l *limit.Limiter, now *time.Time) {
	var ticket limit.Ticket
	l.Ask(*now, &ticket, 1)
	l.Pay(*now, &ticket, i.emitted, 0)
	for _, d := range i.took {
		l.Observe(*now, limit.Write{Took: d, Rows: 100, Failed: d < 0})
	}
	*now = now.Add(time.Second)
	l.Observe(*now, limit.Write{Took: 100 * time.Millisecond})
}

const ms = time.Millisecond

func TestGovernorRule(t *testing.T) {
	type step struct {
		interval
		rate   float64
		reason limit.Reason
	}
	took := func(d ...time.Duration) []time.Duration { return append(d, d...) }
	for name, c := range map[string]struct {
		cfg   limit.Adaptive
		steps []step
	}{
		"no bound until a sink is slow": {limit.Adaptive{Target: 100 * ms}, []step{
			{interval{1000, took(90 * ms)}, 0, limit.NotYet},
			{interval{4000, nil}, 0, limit.NotYet},
			{interval{1000, took(300 * ms)}, 500, limit.Slow},
		}},
		"a small excess lowers a little": {limit.Adaptive{Target: 100 * ms}, []step{
			{interval{1000, took(125*ms, 125*ms, 125*ms, 125*ms, 125*ms)}, 1000 / 1.2272727, limit.Slow},
			{interval{815, took(103 * ms)}, 814.814 * 0.98, limit.Slow},
		}},
		"failures halve, and the floor holds": {limit.Adaptive{Floor: 100, Ceiling: 1000}, []step{
			{interval{1000, took(10*ms, -1)}, 500, limit.Failing},
			{interval{500, took(-1)}, 250, limit.Failing},
			{interval{250, took(-1)}, 125, limit.Failing},
			{interval{125, took(-1)}, 100, limit.AtFloor},
			{interval{0, took(-1)}, 100, limit.AtFloor},
		}},
		"it rises by even steps, to the ceiling": {limit.Adaptive{Ceiling: 1000, Increase: 80}, []step{
			{interval{1000, took(10 * ms)}, 1000, limit.AtCeiling},
			{interval{1000, took(-1)}, 500, limit.Failing},
			{interval{500, took(10 * ms)}, 600, limit.Recovered}, // by a fifth, until it is known what is too much
			{interval{600, took(10 * ms)}, 720, limit.Recovered},
			{interval{720, took(-1)}, 360, limit.Failing}, // that is: about 684
			{interval{360, took(10 * ms)}, 440, limit.Recovered},
			{interval{440, took(10 * ms)}, 501, limit.Recovered}, // a quarter of the way
			{interval{501, took(10 * ms)}, 546.75, limit.Recovered},
			{interval{546, took(-1)}, 273, limit.Failing},
			{interval{273, nil}, 334.6, limit.Recovered}, // nothing is written for now
		}},
		"a rate that is not used stays": {limit.Adaptive{Ceiling: 1000}, []step{
			{interval{1000, took(-1)}, 500, limit.Failing},
			{interval{300, took(10 * ms)}, 500, limit.Unused},
			{interval{300, nil}, 500, limit.Unused},
		}},
		"about the target is kept": {limit.Adaptive{Target: 100 * ms, Ceiling: 1000}, []step{
			{interval{1000, took(-1)}, 500, limit.Failing},
			{interval{500, took(90 * ms)}, 500, limit.Steady},
		}},
		"a stall does not take it to the floor at once": {limit.Adaptive{Ceiling: 8000}, []step{
			{interval{0, took(20 * time.Second)}, 1000, limit.Slow},
		}},
		"what was not reached is not what made it slow": {limit.Adaptive{Ceiling: 8000}, []step{
			{interval{4000, took(20 * time.Second)}, 2000, limit.Slow},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			l := governed(t, c.cfg)
			now := start
			for i, s := range c.steps {
				s.pass(l, &now)
				got := l.State()
				require.InDelta(t, s.rate, got.Events, 2, "step %d: %s", i, got)
				require.Equal(t, s.reason, got.Reason, "step %d", i)
			}
		})
	}
}

// The lower of what is wanted and what is good for the sinks holds.
func TestGovernorAndUser(t *testing.T) {
	l := governed(t, limit.Adaptive{Ceiling: 1000})
	require.InDelta(t, 1000., l.State().Events, 0)
	require.True(t, l.State().Lowered())
	l.Set(limit.Rate{Events: 100})
	require.InDelta(t, 100., l.State().Events, 0)
	require.False(t, l.State().Lowered())
	l.Set(limit.Rate{Events: 5000, Bytes: 7})
	require.InDelta(t, 1000., l.State().Events, 0)
	require.Equal(t, "1000 events/s and 7 bytes/s (no sink has been slow yet)", l.State().String())
	now := start
	interval{1000, []time.Duration{-1}}.pass(l, &now)
	require.Equal(t, "500 events/s and 7 bytes/s (lowered: writes fail; the last took 100ms)", l.State().String())
	require.Equal(t, start.Add(time.Second), l.State().Since)
}

func TestAdaptiveIsChecked(t *testing.T) {
	_, err := limit.NewGovernor(limit.Adaptive{Target: -1, Interval: -1, Increase: -1, Decrease: 1, Floor: -1, Ceiling: -2})
	for _, want := range []string{"target", "interval", "increase", "decrease", "floor", "ceiling"} {
		require.ErrorContains(t, err, want)
	}
	_, err = limit.NewGovernor(limit.Adaptive{Ceiling: 5})
	require.ErrorContains(t, err, "at least the floor, 10")
}

// database is a sink whose writes take the longer the more it has to do, and fail while it is down.
type database struct {
	latency func(rate float64) time.Duration
	down    bool
}

// simulate has a job run on a clock of its own against a database, a batch of rows a tick, and calls each second.
func simulate(l *limit.Limiter, now time.Time, seconds int, db *database, each func(second int, rate float64)) time.Time {
	const tick = 10 * ms
	var ticket limit.Ticket
	emitted := 0 // in this second
	load := 0.   // of the last second, smoothed
	for second := range seconds {
		for end := now.Add(time.Second); now.Before(end); {
			now = now.Add(tick)
			n := 0
			for ; n < 5000; n += 250 { // as fast as the job can be: 500,000 a second
				if wait, _ := l.Ask(now, &ticket, 250); wait > 0 {
					break
				}
				k := ticket.Events
				l.Pay(now, &ticket, k, 0)
				emitted += k
				load += float64(k)
			}
			load -= load * tick.Seconds()
			if now.Sub(start)%(50*ms) == 0 {
				if db.down {
					l.Observe(now, limit.Write{Failed: true})
				} else {
					l.Observe(now, limit.Write{Took: db.latency(load), Rows: 50})
				}
			}
		}
		each(second, float64(emitted))
		emitted = 0
	}
	return now
}

// Against sinks that get slower with what they are given, the rate finds the one at which writes take the target, stays near it, and after an outage is
// back within thirty intervals.
func TestGovernorSettles(t *testing.T) {
	linear := func(rate float64) time.Duration { return 5*ms + time.Duration(rate/20_000*200)*ms }
	queue := func(capacity float64) func(float64) time.Duration { // of a single server
		return func(rate float64) time.Duration {
			return min(10*time.Second, time.Duration(float64(5*ms)/max(1e-9, 1-min(1, rate/capacity))))
		}
	}
	for name, c := range map[string]struct {
		latency   func(float64) time.Duration
		low, high float64 // where 0.8 of the target and the target are
	}{
		"linear":           {linear, 7_500, 9_500},
		"queue":            {queue(30_000), 28_000, 28_500},
		"small queue":      {queue(300), 280, 285},
		"large and linear": {func(r float64) time.Duration { return linear(r / 20) }, 150_000, 190_000},
	} {
		t.Run(name, func(t *testing.T) {
			l := governed(t, limit.Adaptive{Target: 100 * ms})
			db := &database{latency: c.latency}
			now := simulate(l, start, 120, db, func(int, float64) {})
			sum, n := 0., 0
			now = simulate(l, now, 300, db, func(_ int, rate float64) {
				require.Greater(t, rate, 0.75*c.low)
				require.Less(t, rate, 1.15*c.high)
				sum, n = sum+rate, n+1
			})
			mean := sum / float64(n)
			require.Greater(t, mean, 0.88*c.low)
			require.Less(t, mean, 1.05*c.high)

			db.down = true
			now = simulate(l, now, 60, db, func(int, float64) {})
			require.InDelta(t, 10., l.State().Events, 0)
			require.Equal(t, limit.AtFloor, l.State().Reason)
			now = simulate(l, now, 10, db, func(_ int, rate float64) { require.GreaterOrEqual(t, rate, 9., "it never starves") })
			db.down = false
			back := math.MaxInt
			simulate(l, now, 60, db, func(second int, rate float64) {
				if rate > 0.95*c.low {
					back = min(back, second)
				}
			})
			require.LessOrEqual(t, back, 30)
		})
	}
}
