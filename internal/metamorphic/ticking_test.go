package metamorphic

import (
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/stream"
)

// The rules of a function with keyed state and timers that is sensitive to every order there is: of a key's records, of its timers, and of records and timers.
const (
	tick        = 10 * minute // a record sets a timer at the next whole tick after its time and its watermark
	cancelEvery = 5           // so many records in all, and the timer is deleted again
	clearOver   = 20          // more than so many records in all, and a timer forgets the total
)

// remembered is what the function keeps of a key.
type remembered struct {
	total  tally
	parts  map[int64]tally // by the timer they wait for
	recent []int64         // offsets since the last timer
}

func nextTick(at, watermark int64) int64 { return (max(at, watermark+1)/tick + 1) * tick }

// ticked is what a timer comes to.
func (m remembered) ticked(key string, at int64) row {
	t := tally{Count: m.parts[at].Count, Sum: m.parts[at].Sum ^ m.total.Sum, First: int64(len(m.recent))}
	for _, o := range m.recent {
		t.Last = t.Last*31 + o
	}
	return row{key, at, at + 1, t}
}

// ticking is the function with the engine's state.
type ticking struct {
	total  stream.ValueState[tally]
	parts  stream.MapState[int64, tally]
	recent stream.ListState[int64]
}

func (f *ticking) Open(ctx *stream.OpenContext) error {
	f.total = stream.NewValue(ctx, "total", tallyCodec)
	f.parts = stream.NewMap(ctx, "parts", codec.Int64(), tallyCodec)
	f.recent = stream.NewList(ctx, "recent", codec.Int64())
	return nil
}

func (f *ticking) Process(ctx *stream.Context, in stream.Keyed[string, event], _ *stream.Collector[row]) error {
	e := in.Value
	at := nextTick(e.At, ctx.Watermark())
	part, _ := f.parts.Get(at)
	f.parts.Set(at, part.add(e.tally))
	total, _ := f.total.Get()
	total = total.add(e.tally)
	f.total.Set(total)
	f.recent.Add(e.Offset)
	if total.Count%cancelEvery == 0 {
		ctx.DeleteEventTimer(time.UnixMilli(at))
	} else {
		ctx.SetEventTimer(time.UnixMilli(at))
	}
	return nil
}

func (f *ticking) OnTimer(_ *stream.Context, in stream.Keyed[string, event], at time.Time, out *stream.Collector[row]) error {
	m := remembered{parts: map[int64]tally{}, recent: f.recent.All()}
	m.total, _ = f.total.Get()
	m.parts[at.UnixMilli()], _ = f.parts.Get(at.UnixMilli())
	out.Emit(m.ticked(in.Key, at.UnixMilli()))
	f.parts.Delete(at.UnixMilli())
	f.recent.Clear()
	if m.total.Count > clearOver {
		f.total.Clear()
	}
	return nil
}

// ticks is what the function comes to for each key, in order, computed from the log.
func (p plan) ticks(log oracle.Log) map[string][]row {
	keys, timers, out := map[string]*remembered{}, map[string][]int64{}, map[string][]row{}
	fire := func(key string, until int64) {
		m := keys[key]
		for len(timers[key]) > 0 && timers[key][0] <= until {
			at := timers[key][0]
			timers[key] = timers[key][1:]
			out[key] = append(out[key], m.ticked(key, at))
			delete(m.parts, at)
			m.recent = nil
			if m.total.Count > clearOver {
				m.total = tally{}
			}
		}
	}
	for r := range log.Records(p.Bound) {
		m := keys[r.Key]
		if m == nil {
			m = &remembered{parts: map[int64]tally{}}
			keys[r.Key] = m
		}
		fire(r.Key, r.Origin)
		at, t := nextTick(r.Timestamp, r.Origin), one(r.Timestamp, int64(r.Partition), r.Offset)
		m.parts[at], m.total, m.recent = m.parts[at].add(t), m.total.add(t), append(m.recent, r.Offset)
		i, set := slices.BinarySearch(timers[r.Key], at)
		if m.total.Count%cancelEvery == 0 {
			if set {
				timers[r.Key] = slices.Delete(timers[r.Key], i, i+1)
			}
		} else if !set {
			timers[r.Key] = slices.Insert(timers[r.Key], i, at)
		}
	}
	for key := range keys {
		fire(key, 1<<62)
	}
	return out
}

// checkTicks compares the rows of each key with the model's: in order where each row comes once.
func (p plan) checkTicks(log oracle.Log, rows []sink.Row[row], once bool) error {
	want := p.ticks(log)
	table, got := map[place]tally{}, map[string][]row{}
	for key := range want {
		for _, r := range want[key] {
			table[r.place()] = r.tally
		}
	}
	if err := sameTable("ticks", table, rows, once); err != nil || !once {
		return err
	}
	for _, r := range rows {
		got[r.Value.Key] = append(got[r.Value.Key], r.Value)
	}
	for key := range want {
		if !slices.Equal(got[key], want[key]) {
			return fmt.Errorf("ticks of %q are %+v, want %+v", key, got[key], want[key])
		}
	}
	return nil
}
