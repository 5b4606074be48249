package pebble

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// imagesDir is the directory below the store's in which images are made: what fails there is the image's failure and not the store's.
const imagesDir = "image"

func (s *store) filesOnly() error {
	if s.opts.DisableWAL {
		return fmt.Errorf("pebble: image: the store is in memory and has no files: %w", errors.ErrUnsupported)
	}
	return nil
}

// Flush implements state.Imager.
func (s *store) Flush(ctx context.Context) error {
	if err := s.filesOnly(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	var flushed <-chan struct{}
	err := s.guarded(func() (err error) {
		flushed, err = s.db.AsyncFlush()
		return err
	})
	if err != nil {
		return fmt.Errorf("pebble: flush %s: %w", s.dir, describe(s.dir, err))
	}
	select {
	case <-flushed:
		return nil
	case <-s.failure.done:
		return s.failure.err()
	case <-ctx.Done():
		return fmt.Errorf("pebble: flush %s: %w", s.dir, context.Cause(ctx))
	}
}

// Image implements state.Imager: tables are hard links, or copies where dir is on another disk. Commits go on meanwhile. Make images in the directory "image" of the
// store, which must be there: elsewhere a directory that cannot be synced ends the store.
func (s *store) Image(dir string) error {
	if err := s.filesOnly(); err != nil {
		return err
	}
	if err := s.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	err := s.guarded(func() error {
		// Every commit was synced, so the log needs no flush. A panic is about the image: Pebble makes it of a directory that cannot be synced.
		if err := unpanicked(func() error { return s.db.Checkpoint(dir) }); err != nil {
			return err
		}
		return s.cutLogs(dir)
	})
	if err != nil {
		err = fmt.Errorf("pebble: image of %s in %s: %w", s.dir, dir, describe(s.dir, err))
		return errors.Join(err, s.fs.RemoveAll(dir))
	}
	return nil
}

// cutLogs shortens the image's copies of logs to what is in them: Pebble writes over logs that it needs no more, so behind the little that a flush has left lies
// the length of an old one.
func (s *store) cutLogs(dir string) error {
	names, err := s.fs.List(dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		digits, isLog := strings.CutSuffix(name, ".log")
		number, err := strconv.ParseUint(digits, 10, 64)
		if !isLog || err != nil {
			continue
		}
		if err := s.cutLog(s.fs.PathJoin(dir, name), number); err != nil {
			return err
		}
	}
	return syncDir(s.fs, dir)
}

// cutLog writes the log anew, up to the end of its last whole record.
func (s *store) cutLog(path string, number uint64) error {
	content, err := readFile(s.fs, path)
	if err != nil {
		return err
	}
	end := logEnd(record.NewReader, content, number)
	if end == int64(len(content)) {
		return nil
	}
	f, err := s.fs.Create(path+".cut", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write(content[:end])
	if err == nil {
		err = f.Sync()
	}
	if err := joinClose(err, f); err != nil {
		return err
	}
	return s.fs.Rename(path+".cut", path)
}

// logEnd is where the last whole record of a log ends. N is the type of a file's number, which has no name outside of Pebble.
func logEnd[N ~uint64](open func(io.Reader, N) *record.Reader, content []byte, number uint64) (end int64) {
	records := open(bytes.NewReader(content), N(number))
	for {
		r, err := records.Next()
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		if err != nil {
			return end
		}
		end = records.Offset()
	}
}

func unpanicked(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			cause, ok := p.(error)
			if !ok {
				cause = fmt.Errorf("%v", p)
			}
			err = fmt.Errorf("panic: %w", cause)
		}
	}()
	return f()
}
