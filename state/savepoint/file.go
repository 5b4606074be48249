package savepoint

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/millrace/millrace/state"
)

const (
	magic      = "MILLRSV1"
	bufferSize = 256 << 10
)

// fileWriter writes one file of entries.
type fileWriter struct {
	file    *os.File
	buf     *bufio.Writer
	sum     hash.Hash
	head    []byte
	entries int64
	bytes   int64
}

func createFile(path string) (*fileWriter, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	w := &fileWriter{file: f, sum: sha256.New()}
	w.buf = bufio.NewWriterSize(io.MultiWriter(f, w.sum), bufferSize)
	if err := w.put([]byte(magic)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return w, nil
}

func (w *fileWriter) put(p []byte) error {
	n, err := w.buf.Write(p)
	w.bytes += int64(n)
	return err
}

func (w *fileWriter) entry(key, value []byte) error {
	w.head = binary.AppendUvarint(w.head[:0], uint64(len(key)))
	w.head = binary.AppendUvarint(w.head, uint64(len(value)))
	w.entries++
	for _, p := range [][]byte{w.head, key, value} {
		if err := w.put(p); err != nil {
			return err
		}
	}
	return nil
}

// finish makes the file durable, closes it, and returns its checksum.
func (w *fileWriter) finish() (sum string, err error) {
	err = w.buf.Flush()
	if err == nil {
		err = w.file.Sync()
	}
	return hex.EncodeToString(w.sum.Sum(nil)), errors.Join(err, w.file.Close())
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// readFile has visit called with each entry of a file until it returns false, and reports whether it was read to its end, in which case all of it was verified against
// want. The slices are valid during the call. Damage wraps state.ErrCorrupt.
func readFile(r io.Reader, at section, want File, visit func(key, value []byte) bool) (whole bool, err error) {
	d := &decoder{sum: sha256.New(), left: want.Bytes}
	d.src = bufio.NewReaderSize(r, bufferSize)
	if whole, err = d.entries(at, want, visit); err != nil || !whole {
		return whole, err
	}
	if _, err := d.src.ReadByte(); !errors.Is(err, io.EOF) {
		if err != nil {
			return false, err
		}
		return false, damage("it has more than the %d bytes it should have", want.Bytes)
	}
	if sum := hex.EncodeToString(d.sum.Sum(nil)); sum != want.SHA256 {
		return false, damage("its content does not match its checksum")
	}
	return true, nil
}

// decoder reads entries and hashes what it reads. It never reads more than the file should hold, so a damaged length costs no more memory than that.
type decoder struct {
	src  *bufio.Reader
	sum  hash.Hash
	left int64
	buf  []byte
}

func (d *decoder) entries(at section, want File, visit func(key, value []byte) bool) (whole bool, err error) {
	head, err := d.take(int64(len(magic)))
	if err != nil {
		return false, err
	}
	if string(head) != magic {
		return false, damage("it is no file of a savepoint")
	}
	var last []byte
	n := int64(0)
	for ; d.left > 0; n++ {
		klen, err := d.uvarint()
		if err != nil {
			return false, err
		}
		vlen, err := d.uvarint()
		if err != nil {
			return false, err
		}
		if klen > uint64(d.left) || vlen > uint64(d.left)-klen {
			return false, damage("entry %d is longer than the file", n)
		}
		entry, err := d.take(int64(klen + vlen))
		if err != nil {
			return false, err
		}
		key := entry[:klen:klen]
		if s, ok := sectionOf(key); !ok || s != at {
			return false, damage("entry %d does not belong into it", n)
		}
		if n > 0 && bytes.Compare(last, key) >= 0 {
			return false, damage("entry %d is out of order", n)
		}
		last = append(last[:0], key...)
		if !visit(key, entry[klen:]) {
			return false, nil
		}
	}
	if n != want.Entries {
		return false, damage("it has %d entries, the manifest says %d", n, want.Entries)
	}
	return true, nil
}

func (d *decoder) take(n int64) ([]byte, error) {
	if n > d.left {
		return nil, damage("it ends early")
	}
	// Grown as bytes come in: the length may be as wrong as the rest.
	d.buf = d.buf[:0]
	for int64(len(d.buf)) < n {
		at := len(d.buf)
		step := int(min(n-int64(at), max(bufferSize, int64(at))))
		if cap(d.buf)-at < step {
			d.buf = append(make([]byte, 0, at+step), d.buf...)
		}
		d.buf = d.buf[:at+step]
		if _, err := io.ReadFull(d.src, d.buf[at:]); err != nil {
			return nil, ended(err)
		}
	}
	d.left -= n
	_, _ = d.sum.Write(d.buf) // a hash never fails
	return d.buf, nil
}

func (d *decoder) uvarint() (uint64, error) {
	var raw [binary.MaxVarintLen64]byte
	for i := range raw {
		if d.left == 0 {
			return 0, damage("it ends early")
		}
		b, err := d.src.ReadByte()
		if err != nil {
			return 0, ended(err)
		}
		d.left--
		raw[i] = b
		if b < 0x80 {
			_, _ = d.sum.Write(raw[:i+1]) // a hash never fails
			if v, n := binary.Uvarint(raw[:i+1]); n > 0 {
				return v, nil
			}
			break
		}
	}
	return 0, damage("a length is no number")
}

func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damage("it ends early")
	}
	return err
}

func damage(format string, args ...any) error {
	return fmt.Errorf("%w: %s", state.ErrCorrupt, fmt.Sprintf(format, args...))
}
