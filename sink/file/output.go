package file

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/format"
)

// flushBytes is how much an output buffers before it writes.
const flushBytes = 64 << 10

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// output is a locked file that grows at its end. It writes at explicit offsets, so what a failed write left behind is overwritten by the next.
type output struct {
	file   *os.File
	buf    []byte // not yet written
	length int64  // written
	sum    uint32 // of what was written
}

// createOutput opens the file name in root, locks it and empties it, whatever it held.
func createOutput(root *os.Root, name string) (*output, error) {
	o, err := openOutput(root, name, os.O_CREATE)
	if err != nil {
		return nil, err
	}
	if err := o.file.Truncate(0); err != nil {
		o.close()
		return nil, err
	}
	return o, nil
}

// resumeOutput opens a file that must begin with what p describes, and cuts off the rest.
func resumeOutput(root *os.Root, name string, p pending) (*output, error) {
	o, err := openOutput(root, name, 0)
	if err != nil {
		return nil, err
	}
	err = verify(o.file, inRoot(root, name), p.Length, p.Sum)
	if err == nil {
		err = o.file.Truncate(p.Length)
	}
	if err != nil {
		o.close()
		return nil, err
	}
	o.length, o.sum = p.Length, p.Sum
	return o, nil
}

func openOutput(root *os.Root, name string, flags int) (*output, error) {
	f, err := root.OpenFile(name, os.O_RDWR|flags, 0o644)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", root.Name(), err)
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("%s: %w", inRoot(root, name), err)
	}
	return &output{file: f}, nil
}

// flush writes the buffer. After an error it may be called again.
func (o *output) flush() error {
	if _, err := o.file.WriteAt(o.buf, o.length); err != nil {
		return err
	}
	o.length += int64(len(o.buf))
	o.sum = crc32.Update(o.sum, castagnoli, o.buf)
	o.buf = o.buf[:0]
	return nil
}

// sync makes everything so far durable.
func (o *output) sync() error {
	if err := o.flush(); err != nil {
		return err
	}
	// A failed write may have left more than was counted.
	if err := o.file.Truncate(o.length); err != nil {
		return err
	}
	return o.file.Sync()
}

func (o *output) close() error { return o.file.Close() }

// add appends rows to an output's buffer and writes it when it is large. On an error nothing was added.
func add[T any](o *output, f *format.Text[T], rows []sink.Row[T]) (err error) {
	before := len(o.buf)
	if o.buf, err = f.AppendRows(o.buf, rows); err != nil {
		return err
	}
	if len(o.buf) < flushBytes {
		return nil
	}
	if err := o.flush(); err != nil {
		o.buf = o.buf[:before]
		return err
	}
	return nil
}

// verify checks that the file begins with length bytes of the given sum.
func verify(f *os.File, path string, length int64, want uint32) error {
	sum := crc32.New(castagnoli)
	n, err := io.Copy(sum, io.NewSectionReader(f, 0, length))
	if err != nil {
		return err
	}
	if n < length {
		return fmt.Errorf("%s: %w: it has %d bytes, the checkpoint covers %d", path, ErrDamaged, n, length)
	}
	if sum.Sum32() != want {
		return fmt.Errorf("%s: %w: its first %d bytes are not those that the checkpoint covers", path, ErrDamaged, length)
	}
	return nil
}

// verifyWhole checks that a file is exactly what was prepared.
func verifyWhole(root *os.Root, name string, length int64, sum uint32) error {
	f, err := root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != length {
		return fmt.Errorf("%s: %w: it has %d bytes, not %d", inRoot(root, name), ErrDamaged, info.Size(), length)
	}
	return verify(f, inRoot(root, name), length, sum)
}

// syncDir makes names created, renamed or removed in a directory durable.
func syncDir(root *os.Root) error {
	d, err := root.Open(".")
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// inRoot is a file's path for messages.
func inRoot(root *os.Root, name string) string { return filepath.Join(root.Name(), name) }
