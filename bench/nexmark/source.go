package nexmark

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/source"
)

// Source feeds the events of c to a job as fast as it takes them: a split for each generator. Its events' memory is shared as Generator.Make says.
func Source(c Config) source.Source[Event] { return events{c.filled()} }

type events struct{ Config }

func (s events) Open(context.Context, source.Env) (source.Session[Event], error) {
	if err := s.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s events) String() string {
	return fmt.Sprintf("nexmark events=%d rate=%d generators=%d group=%d", s.Events, s.Rate, s.Generators, s.GroupSize)
}

func (s events) Splits(context.Context) ([]source.Split, error) {
	out := make([]source.Split, s.Generators)
	for i := range out {
		_, stop := s.share(i)
		out[i] = source.Split{ID: fmt.Sprintf("nexmark/%d", i), Topic: "nexmark", Partition: int32(i), Partitions: int32(s.Generators), Stop: stop}
	}
	return out, nil
}

func (s events) Reader(_ context.Context, split source.Split, at int64) (source.Reader[Event], error) {
	i := int(split.Partition)
	if i < 0 || i >= s.Generators {
		return nil, fmt.Errorf("split %s: there is no generator %d among %d: was the state written with another config?", split.ID, i, s.Generators)
	}
	_, events := s.share(i)
	if at < 0 || at > events {
		return nil, fmt.Errorf("split %s: position %d, want 0 to %d: was the state written with another config?", split.ID, at, events)
	}
	return &reader{s.Config, i, at, min(split.Stop, events), events}, nil
}

func (s events) Close() error { return nil }

type reader struct {
	config           Config
	generator        int
	at, stop, events int64
}

// chunkEvents is how many events one Fetch hands over at most.
const chunkEvents = 4096

func (r *reader) Fetch(ctx context.Context) (source.Chunk[Event], error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.at >= r.stop {
		return nil, source.EOF
	}
	c := &chunk{NewGenerator(r.config, r.generator), r.at, min(r.stop, r.at+chunkEvents)}
	r.at = c.end
	return c, nil
}

func (r *reader) Close() error { return nil }

// chunk makes its events when it is walked. It has a generator of its own, since the one before it may still be walked when it is fetched.
type chunk struct {
	*Generator
	at, end int64
}

func (c *chunk) Next(r *source.Record[Event]) bool {
	if c.at >= c.end {
		return false
	}
	c.Make(c.at, &r.Value)
	r.Timestamp, r.Offset, r.Size, r.Err = r.Value.At, c.at, 0, nil
	c.at++
	return true
}

func (c *chunk) End() int64    { return c.end }
func (c *chunk) AtEnd() bool   { return c.end == c.Len() }
func (c *chunk) LogEnd() int64 { return c.Len() }
