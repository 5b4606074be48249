package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/millrace/millrace/source"
)

func (k *kit[T]) splitsStable(ctx context.Context) error {
	if name := k.cfg.Source.String(); name == "" || name != k.cfg.Source.String() {
		return fmt.Errorf("String() is %q: it must be stable and not empty", name)
	}
	ids := map[string]bool{}
	for _, s := range k.splits {
		switch {
		case s.ID == "" || ids[s.ID]:
			return fmt.Errorf("split ID %q is empty or not unique", s.ID)
		case s.Partition < 0 || s.Partition >= s.Partitions:
			return fmt.Errorf("split %s: partition %d of %d", s.ID, s.Partition, s.Partitions)
		case s.Start > s.Stop:
			return fmt.Errorf("split %s: start %d after stop %d", s.ID, s.Start, s.Stop)
		}
		ids[s.ID] = true
	}
	again, err := k.session.Splits(ctx)
	if err != nil {
		return err
	}
	other, err := k.cfg.Source.Open(ctx, k.cfg.Env)
	if err != nil {
		return fmt.Errorf("open a second session: %w", err)
	}
	elsewhere, err := other.Splits(ctx)
	if err = errors.Join(err, closing("second session", other)); err != nil {
		return err
	}
	if !slices.Equal(again, k.splits) || !slices.Equal(elsewhere, k.splits) {
		return fmt.Errorf("splits are not stable: %v, again %v, in another session %v", k.splits, again, elsewhere)
	}
	return nil
}

func (k *kit[T]) readAll(context.Context) error {
	bad := 0
	for i, got := range k.all {
		var good []T
		for _, r := range got {
			if r.Err != nil {
				bad++
				continue
			}
			good = append(good, r.Value)
		}
		if k.cfg.Want == nil {
			continue
		}
		if len(k.cfg.Want) != len(k.all) {
			return fmt.Errorf("%d splits, want %d", len(k.all), len(k.cfg.Want))
		}
		if !slices.EqualFunc(good, k.cfg.Want[i], k.cfg.Equal) {
			return fmt.Errorf("split %s: read %v, want %v", k.splits[i].ID, good, k.cfg.Want[i])
		}
	}
	if bad != k.cfg.Bad {
		return fmt.Errorf("%d records could not be decoded, want %d", bad, k.cfg.Bad)
	}
	return nil
}

// after is the position before record i, as a checkpoint would hold it.
func after[T any](s source.Split, all []record[T], i int) int64 {
	if i == 0 {
		return s.Start
	}
	return all[i-1].Offset + 1
}

func (k *kit[T]) resume(ctx context.Context) error {
	for n, s := range k.bounded {
		for _, i := range sample(len(k.all[n]), k.cfg.Positions) {
			at := after(s, k.all[n], i)
			got, _, err := k.read(ctx, s, at)
			if err == nil {
				err = k.same(got, k.all[n][i:])
			}
			if err != nil {
				return fmt.Errorf("split %s resumed at %d, before record %d: %w", s.ID, at, i, err)
			}
		}
		if err := k.resumeAtChunkEnds(ctx, s, k.all[n]); err != nil {
			return err
		}
	}
	return nil
}

// resumeAtChunkEnds opens a new reader for every chunk: positions past holes, which no record's offset gives.
func (k *kit[T]) resumeAtChunkEnds(ctx context.Context, s source.Split, all []record[T]) error {
	at, done := s.Start, 0
	for range k.cfg.Positions {
		r, err := k.session.Reader(ctx, s, at)
		if err != nil {
			return fmt.Errorf("split %s: reader at %d: %w", s.ID, at, err)
		}
		c, err := r.Fetch(ctx)
		var got []record[T]
		if err == nil {
			got, err = walk(s, c, at)
		}
		if err == nil {
			err = k.same(got, all[done:min(done+len(got), len(all))])
		}
		if cerr := closing("reader", r); cerr != nil {
			return cerr
		}
		if errors.Is(err, source.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("split %s: the chunk at position %d: %w", s.ID, at, err)
		}
		at, done = c.End(), done+len(got)
	}
	return nil
}

func (k *kit[T]) stopExclusive(ctx context.Context) error {
	for n, s := range k.bounded {
		all := k.all[n]
		for _, i := range sample(len(all), k.cfg.Positions) {
			cut := s
			cut.Stop = after(s, all, i)
			from := i / 2
			got, _, err := k.read(ctx, cut, after(s, all, from))
			if err == nil {
				err = k.same(got, all[from:i])
			}
			if err != nil {
				return fmt.Errorf("split %s from %d, stopped at %d: %w", s.ID, after(s, all, from), cut.Stop, err)
			}
		}
	}
	return nil
}

func (k *kit[T]) closeTwice(ctx context.Context) error {
	session, err := k.cfg.Source.Open(ctx, k.cfg.Env)
	if err != nil {
		return err
	}
	for _, s := range k.bounded {
		r, err := session.Reader(ctx, s, s.Start)
		if err != nil {
			return err
		}
		if err := r.Close(); err != nil {
			return fmt.Errorf("close an unread reader: %w", err)
		}
		// What a second Close returns is its own affair, as for os.File.
		_ = r.Close()
	}
	if err := session.Close(); err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	_ = session.Close()
	return nil
}

func (k *kit[T]) cancellation(ctx context.Context) error {
	for n, s := range k.splits {
		// At the end of an unbounded split Fetch waits; elsewhere it must not wait either.
		for _, at := range []int64{s.Start, after(s, k.all[n], len(k.all[n]))} {
			r, err := k.session.Reader(ctx, s, at)
			if err != nil {
				return err
			}
			err = fetchCancelled(r)
			if err = errors.Join(err, closing("reader", r)); err != nil {
				return fmt.Errorf("split %s at %d: %w", s.ID, at, err)
			}
		}
	}
	return nil
}

// fetchCancelled fetches until the context, cancelled meanwhile, ends it.
func fetchCancelled[T any](r source.Reader[T]) error {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		for {
			if _, err := r.Fetch(ctx); err != nil {
				done <- err
				return
			}
		}
	}()
	time.Sleep(5 * time.Millisecond) // so that Fetch is waiting, if it waits
	cancel()
	timeout := time.NewTimer(promptly)
	defer timeout.Stop()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) && !errors.Is(err, source.EOF) {
			return fmt.Errorf("fetch with a cancelled context: %w, want context.Canceled", err)
		}
		return nil
	case <-timeout.C:
		return fmt.Errorf("fetch goes on %s after its context was cancelled", promptly)
	}
}
