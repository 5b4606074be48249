package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/millrace/millrace/source"
)

// record is one record and where it lay.
type record[T any] struct {
	source.Record[T]
	split string
}

// read reads a split from a position to its stop, or to its end for now where it has no stop, and says where that is.
func (k *kit[T]) read(ctx context.Context, s source.Split, at int64) (got []record[T], end int64, err error) {
	r, err := k.session.Reader(ctx, s, at)
	if err != nil {
		return nil, at, fmt.Errorf("reader: %w", err)
	}
	defer func() { err = errors.Join(err, closing("reader", r)) }()
	end = at
	for {
		c, err := r.Fetch(ctx)
		if errors.Is(err, source.EOF) {
			return got, end, k.atEOF(ctx, s, r, c)
		}
		if err != nil {
			return got, end, fmt.Errorf("fetch at %d: %w", end, err)
		}
		var some []record[T]
		if some, err = walk(s, c, end); err != nil {
			return got, end, err
		}
		got, end = append(got, some...), c.End()
		if e, ok := c.(source.LogEnder); ok && c.AtEnd() && end < s.Stop && e.LogEnd() > end {
			return got, end, fmt.Errorf("chunk ends at %d, the log at %d: AtEnd says that nothing followed", end, e.LogEnd())
		}
		if c.AtEnd() && s.Stop == source.Unbounded {
			return got, end, nil
		}
	}
}

// atEOF checks that EOF brings no chunk, only where there is a stop, and again when asked again.
func (k *kit[T]) atEOF(ctx context.Context, s source.Split, r source.Reader[T], c source.Chunk[T]) error {
	if c != nil {
		return errors.New("fetch returned EOF with a chunk")
	}
	if s.Stop == source.Unbounded {
		return errors.New("fetch returned EOF in an unbounded split")
	}
	if _, err := r.Fetch(ctx); !errors.Is(err, source.EOF) {
		return fmt.Errorf("fetch after EOF returned %w, want EOF again", err)
	}
	return nil
}

var errStale = errors.New("an error left over from another record")

// walk takes a chunk that was fetched at a position apart and checks its offsets.
func walk[T any](s source.Split, c source.Chunk[T], at int64) ([]record[T], error) {
	if c == nil {
		return nil, errors.New("fetch returned neither a chunk nor an error")
	}
	var got []record[T]
	next := at
	// What is not filled in shows: the engine hands the same Record to every chunk.
	r := source.Record[T]{Timestamp: math.MaxInt64, Offset: math.MinInt64, Size: -1, Err: errStale}
	for c.Next(&r) {
		switch {
		case r.Offset < next:
			return got, fmt.Errorf("offset %d after position %d: offsets must grow, and none may lie before where reading began", r.Offset, next)
		case r.Offset >= s.Stop:
			return got, fmt.Errorf("offset %d at or past the stop %d", r.Offset, s.Stop)
		case r.Timestamp == math.MaxInt64:
			return got, fmt.Errorf("offset %d: Timestamp was not set; a log without times sets NoTimestamp", r.Offset)
		case errors.Is(r.Err, errStale):
			return got, fmt.Errorf("offset %d: Err was not set to nil", r.Offset)
		case r.Size < 0:
			return got, fmt.Errorf("offset %d: Size was not set; a source that does not know it sets 0", r.Offset)
		}
		if err := wellFormed(r); err != nil {
			return got, fmt.Errorf("offset %d: %w", r.Offset, err)
		}
		got, next = append(got, record[T]{r, s.ID}), r.Offset+1
		r.Err, r.Size = errStale, -1
	}
	if c.Next(&r) {
		return got, errors.New("Next reported a record after it had reported none")
	}
	if c.End() < next {
		return got, fmt.Errorf("chunk ends at %d, before position %d", c.End(), next)
	}
	if c.End() > s.Stop {
		return got, fmt.Errorf("chunk ends at %d, past the stop %d: a run with a later stop would miss what lies between", c.End(), s.Stop)
	}
	return got, logEnd(c)
}

// logEnd checks how far a chunk says the log goes, if it says so.
func logEnd[T any](c source.Chunk[T]) error {
	e, ok := c.(source.LogEnder)
	if !ok || e.LogEnd() == -1 {
		return nil
	}
	if e.LogEnd() < c.End() {
		return fmt.Errorf("LogEnd is %d, before the chunk's end %d", e.LogEnd(), c.End())
	}
	return nil
}

// wellFormed checks a record that could not be decoded; any error but a DecodeError belongs to Fetch.
func wellFormed[T any](r source.Record[T]) error {
	if r.Err == nil {
		return nil
	}
	var d *source.DecodeError
	if !errors.As(r.Err, &d) {
		return fmt.Errorf("Err is %T, want *source.DecodeError: %w", r.Err, r.Err)
	}
	if d.Raw.Offset != r.Offset || d.Raw.Topic == "" || d.Err == nil {
		return fmt.Errorf("DecodeError names topic %q, offset %d, cause %w", d.Raw.Topic, d.Raw.Offset, d.Err)
	}
	return nil
}

// same compares what was read with what should have been.
func (k *kit[T]) same(got, want []record[T]) error {
	for i := range min(len(got), len(want)) {
		g, w := got[i], want[i]
		switch {
		case g.Offset != w.Offset:
			return fmt.Errorf("record %d has offset %d, want %d", i, g.Offset, w.Offset)
		case (g.Err == nil) != (w.Err == nil):
			return fmt.Errorf("offset %d: error %w, want %w", g.Offset, g.Err, w.Err)
		case g.Timestamp != w.Timestamp:
			return fmt.Errorf("offset %d: timestamp %d, want %d", g.Offset, g.Timestamp, w.Timestamp)
		case !k.cfg.Equal(g.Value, w.Value):
			return fmt.Errorf("offset %d: value %v, want %v", g.Offset, g.Value, w.Value)
		}
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d records, want %d", len(got), len(want))
	}
	return nil
}
