package explain

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

// Source is src, noting the records of the key. With a Partitioner it has only the splits that the key can be in, one of each topic.
func (r *Recorder[T, E, O]) Source(src source.Source[T]) source.Source[T] {
	return &noting[T, E, O]{src, r}
}

type noting[T, E, O any] struct {
	source.Source[T]
	to *Recorder[T, E, O]
}

// Codec is that of the source behind it, nil where it has none.
func (s *noting[T, E, O]) Codec() state.Codec[T] {
	if c, ok := s.Source.(interface{ Codec() state.Codec[T] }); ok {
		return c.Codec()
	}
	return nil
}

// Open opens the source behind it. What it hears of checkpoints and new splits is left out: the run leaves no trace, and ends.
func (s *noting[T, E, O]) Open(ctx context.Context, env source.Env) (source.Session[T], error) {
	env.Reuse = false // values are kept for the story
	inner, err := s.Source.Open(ctx, env)
	if err != nil {
		return nil, err
	}
	return &session[T, E, O]{inner, s.to}, nil
}

type session[T, E, O any] struct {
	inner source.Session[T]
	to    *Recorder[T, E, O]
}

func (s *session[T, E, O]) Splits(ctx context.Context) ([]source.Split, error) {
	all, err := s.inner.Splits(ctx)
	if err != nil || s.to.cfg.Partitioner == nil {
		return all, err
	}
	var own []source.Split
	for _, sp := range all {
		if sp.Partitions < 1 {
			return nil, fmt.Errorf("the source does not say how many partitions %s has: read all of them, without a Partitioner", sp.Topic)
		}
		if sp.Partition == s.to.cfg.Partitioner.Partition([]byte(s.to.cfg.Key), sp.Partitions) {
			own = append(own, sp)
		}
	}
	return own, nil
}

func (s *session[T, E, O]) Reader(ctx context.Context, sp source.Split, at int64) (source.Reader[T], error) {
	inner, err := s.inner.Reader(ctx, sp, at)
	if err != nil {
		return nil, err
	}
	return &reader[T, E, O]{inner, s.to, sp.ID}, nil
}

func (s *session[T, E, O]) Close() error { return s.inner.Close() }

type reader[T, E, O any] struct {
	source.Reader[T]
	to    *Recorder[T, E, O]
	split string
}

func (r *reader[T, E, O]) Fetch(ctx context.Context) (source.Chunk[T], error) {
	inner, err := r.Reader.Fetch(ctx)
	if err != nil {
		return nil, err
	}
	return &chunk[T, E, O]{inner, r.to, r.split}, nil
}

type chunk[T, E, O any] struct {
	source.Chunk[T]
	to    *Recorder[T, E, O]
	split string
}

func (c *chunk[T, E, O]) Next(rec *source.Record[T]) bool {
	if !c.Chunk.Next(rec) {
		return false
	}
	c.to.note(c.split, rec)
	return true
}

// note keeps a record of the key: one that could not be decoded is the key's if the log gave it that key.
func (r *Recorder[T, E, O]) note(split string, rec *source.Record[T]) {
	n := note[E]{split: split, offset: rec.Offset, logged: rec.Timestamp}
	if rec.Err != nil {
		var d *source.DecodeError
		if !errors.As(rec.Err, &d) || string(d.Raw.Key) != r.cfg.Key {
			return
		}
		n.err = rec.Err.Error()
	} else {
		if r.cfg.KeyOf(rec.Value) != r.cfg.Key {
			return
		}
		n.value = r.cfg.Note(rec.Value)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.notes = append(r.notes, n)
}
