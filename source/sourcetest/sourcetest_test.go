package sourcetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source"
)

// faulty is a source of 0..9 with one fault.
type faulty struct{ fault string }

func (f faulty) String() string { return "faulty" }
func (f faulty) Open(context.Context, source.Env) (source.Session[int], error) {
	return faultySession{f}, nil
}

type faultySession struct{ faulty }

func (s faultySession) Close() error { return nil }
func (s faultySession) Splits(context.Context) ([]source.Split, error) {
	split := source.Split{ID: "f/0", Topic: "f", Partitions: 1, Stop: 10}
	if s.fault == "partition" {
		split.Partition = 1
	}
	return []source.Split{split}, nil
}

func (s faultySession) Reader(_ context.Context, split source.Split, at int64) (source.Reader[int], error) {
	if s.fault == "resume" && at > 0 {
		at--
	}
	if s.fault == "restart" {
		at = split.Start
	}
	if s.fault == "stop" {
		split.Stop = 10
	}
	if s.fault == "inclusive" {
		split.Stop++
	}
	return &faultyReader{fault: s.fault, at: at, stop: split.Stop, buf: make([]int, 3)}, nil
}

type faultyReader struct {
	fault    string
	at, stop int64
	buf      []int
}

func (r *faultyReader) Close() error { return nil }
func (r *faultyReader) Fetch(ctx context.Context) (source.Chunk[int], error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if r.at >= r.stop {
		if r.fault == "no EOF" {
			return nil, errors.New("nothing there")
		}
		return nil, source.EOF
	}
	end := min(r.at+3, r.stop)
	c := &faultyChunk{fault: r.fault, at: r.at, end: end}
	if r.fault != "reuse" {
		r.buf = make([]int, 3)
	}
	for i := r.at; i < end; i++ {
		r.buf[i-r.at] = int(i)
	}
	c.values = r.buf
	r.at = end
	return c, nil
}

type faultyChunk struct {
	fault   string
	values  []int
	n       int
	at, end int64
}

func (c *faultyChunk) AtEnd() bool { return c.end == 10 || c.fault == "at end" }
func (c *faultyChunk) End() int64 {
	if c.fault == "end" {
		return c.end - 1
	}
	return c.end
}

func (c *faultyChunk) Next(r *source.Record[int]) bool {
	if c.at == c.end {
		return false
	}
	if c.fault == "stale" {
		r.Value, r.Offset = c.values[c.n], c.at
	} else {
		*r = source.Record[int]{Value: c.values[c.n], Offset: c.at, Timestamp: source.NoTimestamp}
	}
	if c.fault == "error" && c.at == 4 {
		r.Err = errors.New("bad")
	}
	if c.fault == "size" {
		r.Size = -1
	}
	c.at++
	c.n++
	return true
}

func (c *faultyChunk) LogEnd() int64 {
	switch c.fault {
	case "log end":
		return c.end - 1
	case "unknown":
		return -1
	}
	return 10
}

func TestTheKitFindsFaults(t *testing.T) {
	cfg := func(fault string) Config[int] {
		return Config[int]{Source: faulty{fault}, Want: [][]int{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}}
	}
	Run(t, cfg(""))
	Run(t, cfg("unknown"))
	for fault, want := range map[string]string{
		"partition": "partition 1 of 1",
		"resume":    "none may lie before",
		"restart":   "none may lie before",
		"stop":      "at or past the stop",
		"inclusive": "at or past the stop",
		"reuse":     "walked after everything was fetched",
		"end":       "before position",
		"stale":     "Timestamp was not set",
		"error":     "want *source.DecodeError",
		"no EOF":    "nothing there",
		"size":      "Size was not set",
		"log end":   "before the chunk's end",
		"at end":    "AtEnd says",
	} {
		t.Run(fault, func(t *testing.T) {
			var all []string
			for _, c := range checks[int]() {
				if fault == "reuse" && c.name == "chunks are walked beside fetching" {
					continue // a data race, which the race detector reports by itself
				}
				if err := c.run(cfg(fault)); err != nil {
					all = append(all, err.Error())
				}
			}
			require.Contains(t, strings.Join(all, "\n"), want)
		})
	}
}
