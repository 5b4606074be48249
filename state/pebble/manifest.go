package pebble

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/state"
)

// Pebble reads a manifest up to the first chunk that is not valid and takes that for its end. So a flipped bit in the middle would take the store back to an
// older moment without a word. verifyBeforeOpen refuses what a crash cannot have made: a manifest that differs from the checksum that Close left, or
// an invalid chunk with a valid one after it.
func verifyBeforeOpen(fs vfs.FS, dir string) error {
	desc, err := pebble.Peek(dir, fs)
	if err != nil {
		return describeOpen(dir, err)
	}
	if !desc.Exists {
		return nil
	}
	if sealed, err := takeSeal(fs, dir, desc); err != nil || sealed {
		return err
	}
	path := fs.PathJoin(dir, fs.PathBase(desc.ManifestFilename))
	content, err := readFile(fs, path)
	if err != nil {
		return describeOpen(dir, err)
	}
	if at, damaged := manifestDamage(content); damaged {
		return fmt.Errorf("pebble: %w: %s: invalid chunk at offset %d with valid ones after it", state.ErrCorrupt, path, at)
	}
	return nil
}

// A manifest is a log of LevelDB's form: blocks of 32 KiB, in them chunks of masked CRC-32C (4 bytes), length (2), type (1) and payload. The checksum covers type
// and payload; a block's rest too short for a header is zero.
const (
	manifestBlock  = 32 << 10
	manifestHeader = 7
	lastChunkType  = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// manifestDamage reports the offset of the first invalid chunk if any valid chunk follows it.
func manifestDamage(m []byte) (offset int, damaged bool) {
	at := 0
	for at < len(m) {
		if manifestBlock-at%manifestBlock < manifestHeader {
			at += manifestBlock - at%manifestBlock
			continue
		}
		n := validChunk(m, at)
		if n == 0 {
			break
		}
		at += n
	}
	for later := at + 1; later < len(m); later++ {
		if validChunk(m, later) > 0 {
			return at, true
		}
	}
	return 0, false
}

// validChunk returns the length of the chunk at offset at, header included, or 0 if there is no valid one.
func validChunk(m []byte, at int) int {
	room := min(len(m)-at, manifestBlock-at%manifestBlock)
	if room < manifestHeader {
		return 0
	}
	c := m[at : at+room]
	n := manifestHeader + int(binary.LittleEndian.Uint16(c[4:]))
	if n > room || c[6] == 0 || c[6] > lastChunkType {
		return 0
	}
	sum := crc32.Checksum(c[6:n], castagnoli)
	if masked := (sum>>15 | sum<<17) + 0xa282ead8; masked != binary.LittleEndian.Uint32(c) {
		return 0
	}
	return n
}

func readFile(fs vfs.FS, path string) (content []byte, err error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	content, err = io.ReadAll(f)
	return content, joinClose(err, f)
}
