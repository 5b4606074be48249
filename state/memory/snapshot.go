package memory

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/RaduBerinde/btreemap"

	"github.com/millrace/millrace/state"
)

// A snapshot is a header, data blocks, and an end block; integers are little-endian.
//
//	header  8 bytes "MILLRSNP", version uint32, CRC-32C of these 12 bytes uint32
//	block   kind byte ('D' data, 'E' end), payload length uint32, CRC-32C of kind, length and payload uint32, payload
//	data    entries: key length uvarint, value length uvarint, key, value; keys ascend over the whole file
//	end     number of entries uint64, number of data blocks uint64; nothing follows
//
// An entry is in one block whole, so a block is as long as its largest entry makes it.
const (
	snapshotMagic   = "MILLRSNP"
	snapshotVersion = 1
	blockBytes      = 64 << 10
	kindData        = 'D'
	kindEnd         = 'E'
	blockHeader     = 1 + 4 + 4
	fileHeader      = len(snapshotMagic) + 4 + 4
	maxBlock        = 1<<32 - 1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errEntryTooLarge is returned for an entry of 4 GiB or more, which no block can hold.
var errEntryTooLarge = errors.New("entry of 4 GiB or more")

func header() []byte {
	h := append(make([]byte, 0, fileHeader), snapshotMagic...)
	h = binary.LittleEndian.AppendUint32(h, snapshotVersion)
	return binary.LittleEndian.AppendUint32(h, crc32.Checksum(h, castagnoli))
}

// writeSnapshot writes t to w and returns the number of bytes.
func writeSnapshot(w io.Writer, t *tree) (int64, error) {
	out := &blockWriter{w: bufio.NewWriterSize(w, 4*blockBytes)}
	out.raw(header())
	var payload []byte
	var entries, blocks uint64
	t.AscendFunc(btreemap.Min[[]byte](), btreemap.Max[[]byte](), func(key, value []byte) bool {
		payload = binary.AppendUvarint(payload, uint64(len(key)))
		payload = binary.AppendUvarint(payload, uint64(len(value)))
		payload = append(payload, key...)
		payload = append(payload, value...)
		entries++
		if len(payload) >= blockBytes {
			out.block(kindData, payload)
			blocks++
			payload = payload[:0]
		}
		return out.err == nil
	})
	if len(payload) > 0 {
		out.block(kindData, payload)
		blocks++
	}
	end := binary.LittleEndian.AppendUint64(nil, entries)
	out.block(kindEnd, binary.LittleEndian.AppendUint64(end, blocks))
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return out.n, out.err
}

// blockWriter keeps its first error.
type blockWriter struct {
	w   *bufio.Writer
	n   int64
	err error
}

func (b *blockWriter) raw(p []byte) {
	if b.err == nil {
		_, b.err = b.w.Write(p)
		b.n += int64(len(p))
	}
}

func (b *blockWriter) block(kind byte, payload []byte) {
	if uint64(len(payload)) > maxBlock && b.err == nil {
		b.err = errEntryTooLarge
	}
	var h [blockHeader]byte
	h[0] = kind
	binary.LittleEndian.PutUint32(h[1:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(h[5:], blockSum(h[:5], payload))
	b.raw(h[:])
	b.raw(payload)
}

func blockSum(lead, payload []byte) uint32 {
	return crc32.Update(crc32.Checksum(lead, castagnoli), castagnoli, payload)
}

// readSnapshot reads what writeSnapshot wrote, size bytes, and verifies all of it. Its errors name the offset; those that report damage wrap state.ErrCorrupt.
func readSnapshot(r io.Reader, size int64) (*tree, error) {
	in := &blockReader{r: bufio.NewReaderSize(r, 4*blockBytes), left: size}
	h, err := in.take(int64(fileHeader))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(h[:len(snapshotMagic)], []byte(snapshotMagic)) ||
		crc32.Checksum(h[:fileHeader-4], castagnoli) != binary.LittleEndian.Uint32(h[fileHeader-4:]) {
		return nil, damage(0, "bad file header")
	}
	if v := binary.LittleEndian.Uint32(h[len(snapshotMagic):]); v != snapshotVersion {
		return nil, fmt.Errorf("snapshot version %d; this program reads version %d", v, snapshotVersion)
	}
	t := newTree()
	var last []byte
	for blocks := uint64(0); ; blocks++ {
		at := in.at
		kind, payload, err := in.block()
		if err != nil {
			return nil, err
		}
		if kind == kindEnd {
			if len(payload) != 16 || binary.LittleEndian.Uint64(payload) != uint64(t.Len()) || binary.LittleEndian.Uint64(payload[8:]) != blocks {
				return nil, damage(at, "end block does not count what came before it")
			}
			if in.left != 0 {
				return nil, damage(in.at, "bytes after the end block")
			}
			return t, nil
		}
		if last, err = addEntries(t, payload, last, at); err != nil {
			return nil, err
		}
	}
}

// addEntries adds a data block's entries, which must come after the key last, and returns the block's last key.
func addEntries(t *tree, payload, last []byte, at int64) ([]byte, error) {
	for len(payload) > 0 {
		klen, n := binary.Uvarint(payload)
		if n <= 0 {
			return nil, damage(at, "bad key length")
		}
		payload = payload[n:]
		vlen, n := binary.Uvarint(payload)
		if n <= 0 {
			return nil, damage(at, "bad value length")
		}
		payload = payload[n:]
		if klen > uint64(len(payload)) || vlen > uint64(len(payload))-klen {
			return nil, damage(at, "entry longer than its block")
		}
		key := append(make([]byte, 0, klen+vlen), payload[:klen+vlen]...)
		value := key[klen:]
		key = key[:klen:klen]
		if t.Len() > 0 && bytes.Compare(last, key) >= 0 {
			return nil, damage(at, "keys do not ascend")
		}
		t.ReplaceOrInsert(key, value)
		last, payload = key, payload[klen+vlen:]
	}
	return last, nil
}

// blockReader knows how much the file still holds, so that a damaged length costs no more memory than the file has bytes.
type blockReader struct {
	r        *bufio.Reader
	at, left int64
	buf      []byte
}

// take returns the next n bytes, valid until the next call.
func (b *blockReader) take(n int64) ([]byte, error) {
	if n > b.left {
		return nil, damage(b.at, "file ends early")
	}
	if int64(cap(b.buf)) < n {
		b.buf = make([]byte, n)
	}
	p := b.buf[:n]
	if _, err := io.ReadFull(b.r, p); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, damage(b.at, "file ends early")
		}
		return nil, fmt.Errorf("read at offset %d: %w", b.at, err)
	}
	b.at += n
	b.left -= n
	return p, nil
}

func (b *blockReader) block() (kind byte, payload []byte, err error) {
	at := b.at
	h, err := b.take(blockHeader)
	if err != nil {
		return 0, nil, err
	}
	lead := [5]byte(h)
	sum := binary.LittleEndian.Uint32(h[5:])
	payload, err = b.take(int64(binary.LittleEndian.Uint32(lead[1:])))
	if err != nil {
		return 0, nil, damage(at, "block longer than the file")
	}
	if blockSum(lead[:], payload) != sum {
		return 0, nil, damage(at, "block does not match its checksum")
	}
	if lead[0] != kindData && lead[0] != kindEnd {
		return 0, nil, damage(at, "unknown kind of block")
	}
	return lead[0], payload, nil
}

func damage(at int64, what string) error {
	return fmt.Errorf("%w: offset %d: %s", state.ErrCorrupt, at, what)
}
