package pebble

import (
	"runtime"
	"runtime/debug"
	_ "unsafe" // for go:linkname

	"github.com/cockroachdb/pebble/v2"
)

const (
	pebbleModule  = "github.com/cockroachdb/pebble/v2"
	pebbleVersion = "v2.1.7" // in which newShardedCache was read

	shardsPerProcessor = 32
	minShardBytes      = 2 << 20 // a shard that a filter does not fit into would read it again for each look-up
	minShards          = 4       // Pebble's
)

// newCache makes the block cache. Each miss takes a shard's lock to write; a look-up that meets it parks its goroutine, which then waits some 100 µs for a processor
// while another is idle. With Pebble's own four shards a processor, 10 to 12 % of two were idle in a job with 100 MB and four times as much state, with 64 shards 4 to 5 %.
// Pebble offers no option for the number, so its constructor is called by its linked name. In a program that is known to have another version of Pebble than the
// constructor was read in, Pebble chooses.
func newCache(bytes int64) *pebble.Cache {
	if v := linkedPebble(); v != "" && v != pebbleVersion {
		return pebble.NewCache(bytes)
	}
	return newShardedCache(bytes, shards(bytes, runtime.GOMAXPROCS(0)))
}

func shards(bytes int64, processors int) int {
	return int(max(minShards, min(int64(processors)*shardsPerProcessor, bytes/minShardBytes)))
}

// linkedPebble is the version of Pebble in this program, empty where that is not recorded, as in tests.
func linkedPebble() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == pebbleModule {
			if m.Replace != nil {
				return "replaced"
			}
			return m.Version
		}
	}
	return ""
}

//go:linkname newShardedCache github.com/cockroachdb/pebble/v2/internal/cache.NewWithShards
func newShardedCache(bytes int64, shards int) *pebble.Cache
