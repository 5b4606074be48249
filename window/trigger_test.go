package window_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/window"
)

// scene is one window of one key, driven as the engine drives it.
type scene struct {
	w         window.TimeWindow
	trigger   window.Trigger
	watermark int64
	count     int64
	timer     int64
	ended     bool
	out       []string
}

func (s *scene) Watermark() int64      { return s.watermark }
func (s *scene) ProcessingTime() int64 { return s.watermark }
func (s *scene) Count() int64          { return s.count }
func (s *scene) SetTimer(ts int64)     { s.timer = ts }
func (s *scene) ClearTimer()           { s.timer = math.MaxInt64 }

func (s *scene) apply(at int64, r window.Result) {
	if r.Fires() {
		s.out = append(s.out, fmt.Sprintf("%d:%d", at, s.count))
	}
	if r.Purges() {
		s.count = 0
	}
}

func (s *scene) element(ts int64) {
	s.count++
	s.apply(ts, s.trigger.OnElement(s.w, ts, s))
}

func (s *scene) advance(to int64) {
	s.watermark = to
	for {
		due := s.timer
		if !s.ended {
			due = min(due, s.w.MaxTimestamp())
		}
		if due > to || due == math.MaxInt64 {
			return
		}
		if due == s.timer {
			s.ClearTimer()
		}
		s.ended = s.ended || due == s.w.MaxTimestamp()
		s.apply(due, s.trigger.OnTime(s.w, due, s))
	}
}

// play runs a script of elements "@7" and watermarks "W9" in a window; the result lists "time:count" of each firing.
func play(t *testing.T, tr window.Trigger, w window.TimeWindow, script string) string {
	t.Helper()
	s := &scene{w: w, trigger: tr, watermark: math.MinInt64, timer: math.MaxInt64}
	for _, step := range strings.Fields(script) {
		n, err := strconv.ParseInt(step[1:], 10, 64)
		require.NoError(t, err)
		switch step[0] {
		case '@':
			s.element(n)
		case 'W':
			s.advance(n)
		default:
			t.Fatalf("step %q", step)
		}
	}
	return strings.Join(s.out, " ")
}

func TestTriggers(t *testing.T) {
	w := window.TimeWindow{Start: 0, End: 100}
	for _, c := range []struct {
		name, script, want string
		trigger            window.Trigger
	}{
		{"at end", "@3 @4 W98 W99", "99:2", window.AtEnd()},
		{"at end, late", "@3 W99 @4 W103 @5", "99:1 4:2 5:3", window.AtEnd()},
		{"at end, jump over it", "@3 W500", "99:1", window.AtEnd()},
		{"at processing-time end", "@3 W98 @4 W99", "99:2", window.AtProcessingTimeEnd()},
		{"never", "@3 W500", "", window.Never()},
		{"at count", "@1 @2 @3 @4 @5 W500", "2:2 4:4", window.AtCount(2)},
		{"at count, purging", "@1 @2 @3 @4 @5 W500", "2:2 4:2", window.Purging(window.AtCount(2))},
		{"at end, purging", "@1 @2 W99 @3", "99:2 3:1", window.Purging(window.AtEnd())},
		{"every", "@12 W19 W20 @25 W45 W99", "20:1 30:2 40:2 50:2 60:2 70:2 80:2 90:2 99:2", window.Every(10 * ms)},
		{"every keeps its first timer", "@12 @35 W20", "20:2", window.Every(10 * ms)},
		{"every on the grid", "@20 W29 W30", "30:1", window.Every(10 * ms)},
		{"every, late", "@95 W99 @50", "99:1 50:2", window.Every(10 * ms)},
		{"every, longer than the window", "@3 W500", "99:1", window.Every(200 * ms)},
		{"every that falls on the end", "@3 W500", "99:1", window.Every(99 * ms)},
		{"every, purging", "@12 W20 @21 @33 W40", "20:1 30:2 40:0", window.Purging(window.Every(10 * ms))},
		{"any of end and count", "@1 @2 @3 W99", "2:2 99:3", window.AnyOf(window.AtEnd(), window.AtCount(2))},
		{"any of end and count, purging", "@1 @2 @3 W99", "2:2 99:1", window.Purging(window.AnyOf(window.AtEnd(), window.AtCount(2)))},
		{"any of, one purging", "@1 @2 @3 W99", "2:2 99:1", window.AnyOf(window.AtEnd(), window.Purging(window.AtCount(2)))},
		{"any of with one timer", "@1 @2 W10 W20", "2:2 10:2 20:2", window.AnyOf(window.Every(10*ms), window.AtCount(2))},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, play(t, c.trigger, w, c.script))
		})
	}
}

func TestEveryBeforeTheEpoch(t *testing.T) {
	require.Equal(t, "-10:1 -1:1", play(t, window.Every(10*ms), window.TimeWindow{Start: -30, End: 0}, "@-15 W500"))
	require.Equal(t, "-20:1", play(t, window.Every(10*ms), window.TimeWindow{Start: -100, End: 0}, "@-30 W-20"))
}

func TestEveryAtTheEndOfTime(t *testing.T) {
	w := window.Tumbling(time.Second).Assign(nil, math.MaxInt64-3)[0]
	require.Equal(t, "", play(t, window.Every(10*ms), w, fmt.Sprintf("@%d W0", int64(math.MaxInt64-3))))
}

func TestGlobalAtEndOfInput(t *testing.T) {
	s := &scene{w: window.Global().Assign(nil, 0)[0], trigger: window.AtEnd(), timer: math.MaxInt64}
	s.element(7)
	require.Empty(t, s.out)
	s.apply(math.MaxInt64, s.trigger.OnTime(s.w, math.MaxInt64, s))
	require.Len(t, s.out, 1)
}

// A merge adds counts up, so that a purging count may be passed by more than one.
func TestPurgingCountAfterAMerge(t *testing.T) {
	for _, c := range []struct {
		tr   window.Trigger
		want window.Result
	}{
		{window.AtCount(3), window.Continue},
		{window.Purging(window.AtCount(3)), window.FireAndPurge},
		{window.Purging(window.AnyOf(window.AtEnd(), window.AtCount(3))), window.FireAndPurge},
	} {
		s := &scene{w: window.TimeWindow{Start: 0, End: 100}, trigger: c.tr, count: 4}
		require.Equal(t, c.want, c.tr.OnElement(s.w, 5, s), c.tr.String())
	}
}

func TestInvalidTriggers(t *testing.T) {
	for _, c := range []struct {
		tr   window.Trigger
		want string
	}{
		{window.AtCount(0), "at count 0"},
		{window.Purging(window.AtCount(-1)), "at count -1"},
		{window.Every(0), "interval of 0s"},
		{window.AnyOf(), "any of nothing"},
		{window.AnyOf(window.AtEnd(), window.Every(-1)), "interval of -1ns"},
		{window.AnyOf(window.Every(ms), window.Purging(window.Every(2*ms))), "2 of them need"},
	} {
		v, ok := c.tr.(window.Validator)
		require.True(t, ok, c.tr.String())
		require.ErrorContains(t, v.Err(), c.want)
		require.NotPanics(t, func() { play(t, c.tr, window.TimeWindow{Start: 0, End: 100}, "@1 @2 W99") })
	}
	require.NoError(t, window.Purging(window.AnyOf(window.AtEnd(), window.AtCount(5), window.Every(ms))).(window.Validator).Err())
	require.Equal(t, "purging any of (at end, at count 5, every 1ms)", window.Purging(window.AnyOf(window.AtEnd(), window.AtCount(5), window.Every(ms))).String())
}
