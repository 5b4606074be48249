package stream

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/state"
)

// timers are a key's timers by domain, each list by time.
type timers [2][]timer

const (
	eventTimers      = keyed.EventTime
	processingTimers = keyed.ProcessingTime
)

type timer struct {
	at     int64
	origin int64 // the watermark of what set it
}

func byTime(t timer, at int64) int { return cmp.Compare(t.at, at) }

// within holds a timer inside of time: what is due at the end of time itself is due one millisecond before, and what its output carries, its time less a millisecond, is
// a time too.
func within(at int64) int64 { return max(math.MinInt64+1, min(at, math.MaxInt64-1)) }

// set adds a timer to the key at hand.
func (c *keyedContext) set(d keyed.Domain, at, origin int64) {
	e := c.current()
	t := c.timers.Ensure(e)
	at = within(at)
	i, found := slices.BinarySearchFunc((*t)[d], at, byTime)
	if found {
		return
	}
	(*t)[d] = slices.Insert((*t)[d], i, timer{at, origin})
	c.rearm(e, d)
	c.store.Dirty(e)
}

func (c *keyedContext) remove(d keyed.Domain, at int64) {
	e := c.current()
	t := c.timers.Get(e)
	if t == nil {
		return
	}
	if i, found := slices.BinarySearchFunc((*t)[d], within(at), byTime); found {
		(*t)[d] = slices.Delete((*t)[d], i, i+1)
		c.rearm(e, d)
		c.store.Dirty(e)
	}
}

// rearm tells the store the earliest timer, and forgets the cell when there is none.
func (c *keyedContext) rearm(e *keyed.Entry, d keyed.Domain) {
	t := c.timers.Get(e)
	if len((*t)[d]) > 0 {
		c.store.SetDeadline(e, d, (*t)[d][0].at)
		return
	}
	c.store.SetDeadline(e, d, keyed.None)
	if len((*t)[eventTimers])+len((*t)[processingTimers]) == 0 {
		c.timers.Clear(e)
	}
}

type timersCodec struct{}

func (timersCodec) ID() string { return "timers/1" }

func (timersCodec) Append(dst []byte, ts timers) ([]byte, error) {
	for _, list := range ts {
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, t := range list {
			dst = binary.AppendVarint(dst, t.at)
			dst = binary.AppendVarint(dst, t.origin)
		}
	}
	return dst, nil
}

func (timersCodec) Decode(src []byte) (ts timers, err error) {
	short := fmt.Errorf("timers are cut short: %w", state.ErrCorrupt)
	for d := range ts {
		n, k := binary.Uvarint(src)
		if k <= 0 || n > uint64(len(src)) {
			return ts, short
		}
		src = src[k:]
		for range n {
			var t timer
			for _, p := range []*int64{&t.at, &t.origin} {
				v, k := binary.Varint(src)
				if k <= 0 {
					return ts, short
				}
				*p, src = v, src[k:]
			}
			ts[d] = append(ts[d], t)
		}
	}
	return ts, nil
}
