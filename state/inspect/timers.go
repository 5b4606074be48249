package inspect

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/internal/windowing"
)

// timersCodec is the codec of the cell that holds a function's timers.
const timersCodec = "timers/1"

// storedTimer is a timer and the watermark of what set it.
type storedTimer struct{ at, origin int64 }

// storedTimers are a key's timers: of event time, then of processing time, each by time.
type storedTimers [2][]storedTimer

func parseTimers(src []byte) (t storedTimers, err error) {
	if src == nil {
		return t, nil
	}
	r := reader{src: src}
	for d := range t {
		for n := r.uvarint(); n > 0 && r.err == nil; n-- {
			t[d] = append(t[d], storedTimer{r.varint(), r.varint()})
		}
	}
	return t, r.err
}

func (t storedTimers) encode() (dst []byte) {
	for _, list := range t {
		dst = binary.AppendUvarint(dst, uint64(len(list)))
		for _, timer := range list {
			dst = binary.AppendVarint(binary.AppendVarint(dst, timer.at), timer.origin)
		}
	}
	return dst
}

func (t storedTimers) empty() bool { return len(t[0])+len(t[1]) == 0 }

// find is where a time stands in a list or belongs, and whether it is there.
func (t storedTimers) find(d keyed.Domain, at int64) (int, bool) {
	return slices.BinarySearchFunc(t[d], at, func(timer storedTimer, at int64) int {
		switch {
		case timer.at < at:
			return -1
		case timer.at > at:
			return 1
		}
		return 0
	})
}

// rearm sets the times at which the key is to be looked at, as its timers or windows say. A time that is too early does no harm: the operator looks, and sets the next.
func rearm(v *keyed.Value, codecs []string, domain keyed.Domain) error {
	v.Deadline = [2]int64{keyed.None, keyed.None}
	for i, b := range v.Cells {
		if _, ok := inside(codecs[i], "windows/1<"); ok {
			ws, err := windowing.DecodeStored(b)
			if err != nil {
				return err
			}
			for i := range ws {
				v.Deadline[domain] = min(v.Deadline[domain], ws[i].Due())
			}
		}
		if codecs[i] != timersCodec {
			continue
		}
		t, err := parseTimers(b)
		if err != nil {
			return err
		}
		for d, list := range t {
			if len(list) > 0 {
				v.Deadline[d] = min(v.Deadline[d], list[0].at)
			}
		}
	}
	return nil
}

// latestTimer is the last time that a timer may have.
const latestTimer = math.MaxInt64 - 1
