package stream_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/window"
)

const ms = time.Millisecond

func TestWindowScripts(t *testing.T) {
	type keyed = stream.KeyedStream[string, word]
	type windowed = stream.WindowedStream[string, word]
	tumbling := func(opts ...stream.WindowOption) func(keyed) windowed {
		return func(k keyed) windowed { return stream.Window(k, window.Tumbling(10*ms), opts...) }
	}
	assigned := func(a window.Assigner, opts ...stream.WindowOption) func(keyed) windowed {
		return func(k keyed) windowed { return stream.Window(k, a, opts...) }
	}
	session := func(opts ...stream.WindowOption) func(keyed) windowed {
		return assigned(window.EventTimeSession(2*ms), opts...)
	}
	lateness := stream.AllowedLateness
	for _, c := range []struct {
		name, script string
		windows      func(keyed) windowed
		want         string
	}{
		{"X10 fire, late fire, last accepted, cleanup", "a@3 W@9 a@4 W@13 a@5 W@14 a@6", tumbling(lateness(5 * ms)), want(
			"W@9: a[0,10)=a@3",
			"a@4: -a[0,10)=a@3! | a[0,10)=a@3,a@4!",
			"a@5: -a[0,10)=a@3,a@4! | a[0,10)=a@3,a@4,a@5!",
			"a@6: late a:a@6")},
		{"X5 rejects at the end without lateness", "W@8 a@1 W@9 a@2", tumbling(), want("W@9: a[0,10)=a@1", "a@2: late a:a@2")},
		{"X5 accepts below the end plus lateness", "W@12 a@1 W@13 a@2 W@14 a@3", tumbling(lateness(5 * ms)), want(
			"a@1: a[0,10)=a@1!", "a@2: -a[0,10)=a@1! | a[0,10)=a@1,a@2!", "a@3: late a:a@3")},
		{"X4 the watermark between touching events does not part them", "a@1 W@2 a@3 END", session(), want("END: a[1,5)=a@1,a@3")},
		{"X4 a watermark further closes", "a@1 W@4 a@3 END", session(), want("W@4: a[1,3)=a@1", "END: a[3,5)=a@3")},
		{"X4 beam", "a@0 W@6 a@3 END", assigned(window.EventTimeSession(5 * ms)), want("W@6: a[0,5)=a@0", "END: a[3,8)=a@3")},
		{"sliding", "a@12 b@-1 W@30", assigned(window.Sliding(10*ms, 5*ms)), want(
			"W@30: b[-10,0)=b@-1 | b[-5,5)=b@-1 | a[5,15)=a@12 | a[10,20)=a@12")},
		{"sliding with gaps: what is in none is not late", "a@7 a@12 END", assigned(window.Sliding(3*ms, 10*ms)), want("END: a[10,13)=a@12")},
		{"offset and negative times", "a@2 a@3 a@-1 a@-8 END", assigned(window.Tumbling(10 * ms).WithOffset(3 * ms)), want(
			"END: a[-17,-7)=a@-8 | a[-7,3)=a@2,a@-1 | a[3,13)=a@3")},
		{"firing order is time, then key bytes", "b@1 a@11 c@1 ab@1 a@1 END", tumbling(), want(
			"END: a[0,10)=a@1 | ab[0,10)=ab@1 | b[0,10)=b@1 | c[0,10)=c@1 | a[10,20)=a@11")},
		{"a fired session that grows is taken back with its successor", "a@10 W@13 a@12 W@20", session(lateness(5 * ms)), want(
			"W@13: a[10,12)=a@10", "W@20: -a[10,12)=a@10 | a[10,14)=a@10,a@12")},
		{"two fired sessions become one", "a@10 a@13 W@16 a@11 W@30", session(lateness(5 * ms)), want(
			"W@16: a[10,12)=a@10 | a[13,15)=a@13",
			"a@11: -a[10,12)=a@10! | -a[13,15)=a@13! | a[10,15)=a@10,a@13,a@11!")},
		{"a closed session stays closed", "a@10 W@12 a@11 END", session(), want("W@12: a[10,12)=a@10", "END: a[11,13)=a@11")},
		{"strictness refuses what a session would take", "a@10 W@11 a@11 END", session(stream.StrictLateness()), want("a@11: late a:a@11", "END: a[10,12)=a@10")},
		{"dynamic gaps", "a:1@10 a:5@11 a:1@16 a:1@18 END", func(k keyed) windowed {
			return stream.DynamicSessions(k, "by text", func(w word) time.Duration { return time.Duration(w.Text[0]-'0') * ms })
		}, want("END: a[10,17)=1@10,5@11,1@16 | a[18,19)=1@18")},
		{"global fires with a trigger at the end", "a@5 b@1 W@100 a@3 END", assigned(window.Global(), stream.Trigger(window.AtEnd())), want(
			"END: a[-9223372036854775808,9223372036854775807)=a@5,a@3 | b[-9223372036854775808,9223372036854775807)=b@1")},
		{"global without a trigger never fires", "a@5 END", assigned(window.Global()), "\n"},
		{"count", "a@1 a@2 b@1 a@3 a@4 END", assigned(window.Count(2)), want(
			"a@2: a[-9223372036854775808,9223372036854775807)=a@1,a@2", "a@4: a[-9223372036854775808,9223372036854775807)=a@3,a@4")},
		{"count sliding", "a@1 a@2 a@3 a@4 a@5", assigned(window.CountSliding(3, 2)), want(
			"a@2: a[-9223372036854775808,9223372036854775807)=a@1,a@2", "a@4: a[-9223372036854775808,9223372036854775807)=a@2,a@3,a@4")},
		{"early results are taken back", "a@1 a@2 W@9", tumbling(stream.Trigger(window.AnyOf(window.AtCount(1), window.AtEnd()))), want(
			"a@1: a[0,10)=a@1", "a@2: -a[0,10)=a@1 | a[0,10)=a@1,a@2")},
		{"every, purging", "a@1 W@4 a@5 a@6 W@8 W@9", tumbling(stream.Trigger(window.Purging(window.Every(4 * ms)))), want(
			"W@4: a[0,10)=a@1", "W@8: a[0,10)=a@5,a@6")},
		{"a processing-time window", "a@1 +5ms a@1 +5ms b@1 +10ms", assigned(window.Tumbling(10 * ms).ProcessingTime()), want(
			"+5ms: a[1704067200000,1704067200010)=a@1,a@1", "+10ms: b[1704067200010,1704067200020)=b@1")},
		{"the last millisecond of a processing-time window is in it", "a@1 +9ms a@2 +1ms", assigned(window.Tumbling(10 * ms).ProcessingTime()), want(
			"+1ms: a[1704067200000,1704067200010)=a@1,a@2")},
		{"a processing-time session", "a@1 +5ms a@1 +9ms a@1 +11ms", assigned(window.ProcessingTimeSession(10 * ms)), want(
			"+11ms: a[1704067200000,1704067200024)=a@1,a@1,a@1")},
		{"the end of input drains processing-time windows", "a@1 END", assigned(window.Tumbling(10 * ms).ProcessingTime()), want(
			"END: a[1704067200000,1704067200010)=a@1")},
		{"a crash changes nothing", "a@10 CRASH W@13 CRASH a@12 CRASH W@20 CRASH a@11 CRASH W@21 a@11", session(lateness(7 * ms)), want(
			"W@13: a[10,12)=a@10", "W@20: -a[10,12)=a@10 | a[10,14)=a@10,a@12",
			"a@11: -a[10,14)=a@10,a@12! | a[10,14)=a@10,a@12,a@11!", "a@11: late a:a@11")},
		{"the last milliseconds there are", "a@9223372036854775806 a@9223372036854775805 END", tumbling(), want(
			"END: a[9223372036854775800,9223372036854775807)=a@9223372036854775806,a@9223372036854775805")},
		{"a session at the end of time", "a@9223372036854775806 END", session(), want("END: a[9223372036854775806,9223372036854775807)=a@9223372036854775806")},
		{"the first milliseconds there are", "a@-9223372036854775807 W@-9223372036854775790", tumbling(), want(
			"W@-9223372036854775790: a[-9223372036854775808,-9223372036854775800)=a@-9223372036854775807")},
		{"a session at the beginning of time", "a@-9223372036854775807 W@-9223372036854775806 a@-9223372036854775805 END", session(), want(
			"END: a[-9223372036854775807,-9223372036854775803)=a@-9223372036854775807,a@-9223372036854775805")},
		{"empty keys and keys of ff", ":x@1 \xff\xff:y@1 \xff:z@1 W@9", tumbling(), want("W@9: [0,10)=x@1 | \xff[0,10)=z@1 | \xff\xff[0,10)=y@1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := play(t, c.script, windows(c.windows))
			if c.want == "\n" {
				c.want = ""
			}
			require.Equal(t, c.want, got)
		})
	}
}
