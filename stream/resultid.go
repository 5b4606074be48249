package stream

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"

	"github.com/millrace/millrace/internal/flow"
	"github.com/millrace/millrace/internal/keyed"
	"github.com/millrace/millrace/window"
)

// ResultID is the id of the result that the function emits next: the same text for the same result of the same log, whatever the parallelism, batch size or backend and
// however often the job was restarted, and another text for any other result. It names what the result is about and not its value: a window that is emitted again
// after a late record, or by a later version of the job, has the id it had. It is "" where no position is known: for a result of a function that reads, without
// windows or timers of its own, the results of windows or timers; make the id where the result is made, and carry it in the value.
//
// It is the first 16 bytes of the SHA-256 of the following, in 32 lower-case hexadecimal digits. A text is its length in bytes as an unsigned varint, then its
// UTF-8 bytes; a number is 8 bytes, big-endian.
//
//	text "millrace/result/1", text job name, text operator name, text key bytes ("" without a key)
//	"w", number window start, number window end                                 of a window: milliseconds
//	  and, for a window whose trigger purges it, for each range of Pane.From
//	  text source name, text split, number first offset
//	"t", number domain (0 event time, 1 processing time), number timer          of a timer: milliseconds
//	"r", text source name, text split, number offset, number occurrence         of a record
//	number emissions before it in the call, counting those to side outputs
//
// The occurrence tells apart records that have one position, as a FlatMap makes them: it is how many earlier calls for the same key and position asked for an id. An
// exchange that deals records out in turn (Rebalance, Parallelism on an operator without a key) may part those, and then they have one id.
//
// Windows whose trigger purges them need the option Provenance for it: the id tells their panes apart by the first records. Without it ResultID panics, which fails
// the job with the operator's name.
func (c *Context) ResultID() string {
	h := idText{}
	h.text("millrace/result/1")
	h.text(c.job.name)
	h.text(c.uid)
	switch {
	case c.pane != nil:
		h.text(c.pane.key)
		h.window(c.pane)
	case c.timer.set:
		h.text(c.keyed.entry.Key)
		h = append(h, 't')
		h.number(int64(c.timer.domain))
		h.number(c.timer.at)
	case c.meta.Split == flow.NoSplit:
		return ""
	default:
		key := ""
		if c.keyed != nil {
			key = c.keyed.entry.Key
		}
		h.text(key)
		h = append(h, 'r')
		split := c.task.Run().Splits.Of(c.meta.Split)
		h.text(split.Operator)
		h.text(split.ID)
		h.number(c.meta.Offset)
		h.number(c.occurrence(key))
	}
	h.number(*c.emitted)
	sum := sha256.Sum256(h)
	return hex.EncodeToString(sum[:16])
}

type idText []byte

func (h *idText) text(s string) {
	*h = binary.AppendUvarint(*h, uint64(len(s)))
	*h = append(*h, s...)
}

func (h *idText) number(n int64) { *h = binary.BigEndian.AppendUint64(*h, uint64(n)) }

func (h *idText) window(p *paneAtHand) {
	*h = append(*h, 'w')
	h.number(p.window.Start)
	h.number(p.window.End)
	if !p.purges {
		return
	}
	if p.from == nil {
		panic("stream: the panes of a window that its trigger purges have an id only with the window option Provenance")
	}
	for _, r := range p.from {
		h.text(r.Source)
		h.text(r.Split)
		h.number(r.First)
	}
}

// paneAtHand is what a Context knows of the window being emitted.
type paneAtHand struct {
	key    string // bytes
	window window.TimeWindow
	from   Ranges
	purges bool // its panes are no versions of each other
}

func (p *paneAtHand) at(key string, w window.TimeWindow, from Ranges) {
	p.key, p.window, p.from = key, w, from
}

// timerAtHand is what a Context knows of the timer being fired.
type timerAtHand struct {
	set    bool
	domain keyed.Domain
	at     int64
}

// occurrences count the calls that asked for an id, by split, for the position last seen there.
type occurrences map[int32]*occurrence

type occurrence struct {
	offset int64
	of     map[string]int64
}

// occurrence is how many earlier calls of the key and position at hand asked for an id. Asking twice in a call is asking once.
func (c *Context) occurrence(key string) int64 {
	if c.asked >= 0 {
		return c.asked
	}
	if c.calls == nil {
		c.calls = occurrences{}
	}
	o := c.calls[c.meta.Split]
	if o == nil {
		o = &occurrence{of: map[string]int64{}}
		c.calls[c.meta.Split] = o
	}
	if o.offset != c.meta.Offset {
		o.offset = c.meta.Offset
		clear(o.of)
	}
	n, seen := o.of[key]
	if !seen {
		key = strings.Clone(key) // the key of an entry is only there while the entry is
	}
	o.of[key] = n + 1
	c.asked = n
	return n
}
