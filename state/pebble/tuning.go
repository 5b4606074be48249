package pebble

import (
	"runtime"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

const (
	defaultMemory = 64 << 20
	minMemory     = 4 << 20

	// The format on disk. Raising it is a migration that older programs cannot undo. This one has checksums in table footers and log chunks that tell a torn
	// write from damage.
	formatVersion = pebble.FormatTableFormatV6

	bloomBitsPerKey = 10 // 1 % false positives
	// Each level and sublevel above the last is asked for each key, so that their false positives add up; they hold little, and more bits cost little.
	upperBloomBitsPerKey = 16      // 0.05 %
	blockSize            = 4 << 10 // a read that misses the cache reads and decompresses one block; 16 KiB doubles its time and saves 5 % of the disk
	indexBlockSize       = 64 << 10
)

// tuned returns options for few large sorted writes and random point reads, most of them of keys that are absent.
//
// Memory: Pebble takes the memtables out of the block cache's budget, so memoryBytes is the cache's size and bounds both. Memtables get an eighth each, at
// most four wait to be flushed. The caller releases the cache. opened reports whether the database is open.
func tuned(fs vfs.FS, memoryBytes int64, opened func() bool) *pebble.Options {
	if memoryBytes <= 0 {
		memoryBytes = defaultMemory
	}
	memoryBytes = max(memoryBytes, minMemory)
	o := &pebble.Options{
		FS:                          fs,
		FormatMajorVersion:          formatVersion,
		Cache:                       newCache(memoryBytes),
		MemTableSize:                uint64(min(max(memoryBytes/8, 512<<10), 64<<20)),
		MemTableStopWritesThreshold: 4,
		MaxOpenFiles:                4096,
		BytesPerSync:                1 << 20,
		MaxManifestFileSize:         4 << 20, // it is part of every image
		// Keys are spread over all of the state, so that what comes together in L0 is written again with all of the next level: better seldom and much of it. A read looks
		// into every sublevel, so not too many are let stand: eight, as Pebble counts each twice. A quarter less is compacted than with four. Writes are stopped late, since a
		// commit that waits holds up a checkpoint.
		L0CompactionThreshold: 16,
		L0StopWritesThreshold: 64,
		// The first level below L0 is large enough that for state of some times the memory there is only the last one below it.
		LBaseMaxBytes: max(2*memoryBytes, 64<<20),
		// Opening waits for compactions that it has begun itself, for seconds where there is much to compact: they are for afterwards. Pebble adds one to the lower bound for ten
		// sublevels, and one for a gigabyte of debt; below zero there is none.
		CompactionConcurrencyRange: func() (lower, upper int) {
			lower = 1
			if !opened() {
				lower = -1000
			}
			return lower, max(1, runtime.GOMAXPROCS(0)/2)
		},
	}
	// Compactions triggered by reads would compete with the job for CPU.
	o.Experimental.ReadSamplingMultiplier = -1
	for i := range o.Levels {
		l := &o.Levels[i]
		l.BlockSize = blockSize
		l.IndexBlockSize = indexBlockSize
		l.FilterPolicy = bloom.FilterPolicy(upperBloomBitsPerKey)
		l.Compression = uncompressed
	}
	last := &o.Levels[len(o.Levels)-1]
	last.FilterPolicy = bloom.FilterPolicy(bloomBitsPerKey)
	last.Compression = compression
	return o
}

// Levels above the last hold a small part of what is there, but are what compactions write most of.
func uncompressed() *sstable.CompressionProfile { return sstable.NoCompression }

// Snappy costs a read that misses the cache nothing measurable, the smaller block making up for its time, and saves 27 % of the disk where half of each value
// is random. Zstd would cost compactions more, which share their cores with the job; it was not measured.
func compression() *sstable.CompressionProfile { return sstable.SnappyCompression }
