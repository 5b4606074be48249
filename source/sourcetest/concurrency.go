package sourcetest

import (
	"context"
	"errors"
	"fmt"

	"github.com/millrace/millrace/source"
)

// chunksStay fetches everything before it walks anything.
func (k *kit[T]) chunksStay(ctx context.Context) error {
	for n, s := range k.bounded {
		r, err := k.session.Reader(ctx, s, s.Start)
		if err != nil {
			return err
		}
		var chunks []source.Chunk[T]
		for {
			var c source.Chunk[T]
			if c, err = r.Fetch(ctx); err != nil {
				break
			}
			chunks = append(chunks, c)
		}
		if cerr := closing("reader", r); cerr != nil || !errors.Is(err, source.EOF) {
			return errors.Join(err, cerr)
		}
		var got []record[T]
		at := s.Start
		for _, c := range chunks {
			some, err := walk(s, c, at)
			if err != nil {
				return fmt.Errorf("split %s: %w", s.ID, err)
			}
			got, at = append(got, some...), c.End()
		}
		if err := k.same(got, k.all[n]); err != nil {
			return fmt.Errorf("split %s, walked after everything was fetched and the reader closed: %w", s.ID, err)
		}
	}
	return nil
}

type fetched[T any] struct {
	chunk source.Chunk[T]
	err   error
}

// pumped reads as the engine does: one goroutine fetches ahead while another walks. The race detector judges it.
func (k *kit[T]) pumped(ctx context.Context) error {
	for n, s := range k.bounded {
		r, err := k.session.Reader(ctx, s, s.Start)
		if err != nil {
			return err
		}
		ahead := make(chan fetched[T], 1)
		pump, stop := context.WithCancel(ctx)
		go func() {
			defer close(ahead)
			for {
				c, err := r.Fetch(pump)
				select {
				case ahead <- fetched[T]{c, err}:
				case <-pump.Done():
					return
				}
				if err != nil {
					return
				}
			}
		}()
		got, err := drain(s, ahead)
		stop()
		for range ahead { // the pump closes it last
		}
		if err = errors.Join(err, closing("reader", r)); err == nil {
			err = k.same(got, k.all[n])
		}
		if err != nil {
			return fmt.Errorf("split %s: %w", s.ID, err)
		}
	}
	return nil
}

func drain[T any](s source.Split, ahead <-chan fetched[T]) ([]record[T], error) {
	var got []record[T]
	at := s.Start
	for f := range ahead {
		if errors.Is(f.err, source.EOF) {
			return got, nil
		}
		if f.err != nil {
			return got, f.err
		}
		some, err := walk(s, f.chunk, at)
		if err != nil {
			return got, err
		}
		got, at = append(got, some...), f.chunk.End()
	}
	return got, errors.New("fetching ended without EOF")
}

// independent reads every split twice, all at the same time.
func (k *kit[T]) independent(ctx context.Context) error {
	results := make(chan error, 2*len(k.bounded))
	for n, s := range k.bounded {
		for range 2 {
			go func() {
				got, _, err := k.read(ctx, s, s.Start)
				if err == nil {
					err = k.same(got, k.all[n])
				}
				if err != nil {
					err = fmt.Errorf("split %s, read by two readers at once: %w", s.ID, err)
				}
				results <- err
			}()
		}
	}
	var all error
	for range cap(results) {
		all = errors.Join(all, <-results)
	}
	return all
}
