package pebble

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/millrace/millrace/state"
)

const benchKeys = 1_000_000

// benchKey spreads i over the key space, as hashed keys are.
func benchKey(dst []byte, i uint64) []byte {
	dst = append(dst[:0], "shard/operator/"...)
	return binary.BigEndian.AppendUint64(dst, i*0x9e3779b97f4a7c15)
}

// benchValue is 80 bytes, half of them alike in all values, as encoded sessions are.
func benchValue(dst []byte, r *rand.Rand) []byte {
	dst = append(dst[:0], "user=........ page=/product/ started=..."...)
	for range 5 {
		dst = binary.LittleEndian.AppendUint64(dst, r.Uint64())
	}
	return dst
}

func benchBatch(from, n int, r *rand.Rand) *state.Batch {
	b := new(state.Batch)
	var k, v []byte
	for i := range n {
		k = benchKey(k, uint64(from+i))
		v = benchValue(v, r)
		b.Set(k, v)
	}
	return b
}

// fill commits a million keys in ten checkpoints and waits until they lie in the last level.
func fill(b *testing.B, s *store) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 1))
	for i := 0; i < benchKeys; i += benchKeys / 10 {
		if err := s.Commit(benchBatch(i, benchKeys/10, r)); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.db.Compact(b.Context(), []byte("a"), []byte("z"), true); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkGet(b *testing.B) {
	for _, mem := range []int64{16 << 20, 256 << 20} {
		s := openQuiet(b, b.TempDir(), mem)
		fill(b, s)
		for _, found := range []bool{true, false} {
			b.Run(fmt.Sprintf("memory=%dMiB/found=%v", mem>>20, found), func(b *testing.B) {
				b.ReportAllocs()
				r := rand.New(rand.NewPCG(2, 2))
				var key, dst []byte
				for b.Loop() {
					i := r.Uint64N(benchKeys)
					if !found {
						i += benchKeys
					}
					key = benchKey(key, i)
					v, ok, err := s.Get(key, dst)
					if err != nil || ok != found {
						b.Fatal(ok, err)
					}
					dst = v
				}
				b.ReportMetric(float64(s.Stats().DiskBytes)/benchKeys, "disk-B/key")
			})
		}
	}
}

func BenchmarkScan(b *testing.B) {
	s := openQuiet(b, b.TempDir(), 64<<20)
	fill(b, s)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		if err := s.Scan(nil, nil, func(_, _ []byte) bool { n++; return true }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/entry")
}

func BenchmarkCommit(b *testing.B) {
	for _, path := range []string{"log", "ingest"} {
		for _, entries := range []int{1_000, 100_000, 1_000_000} {
			b.Run(fmt.Sprintf("path=%s/entries=%d", path, entries), func(b *testing.B) {
				limit := 2 * entries
				if path == "ingest" {
					limit = entries / 2
				}
				s := openQuiet(b, b.TempDir(), 256<<20, IngestOver(limit, 1<<40))
				r := rand.New(rand.NewPCG(1, 1))
				b.ReportAllocs()
				var bytes int64
				n := 0
				for b.Loop() {
					b.StopTimer()
					batch := benchBatch(n*entries%benchKeys, entries, r)
					bytes += batch.Bytes()
					n++
					b.StartTimer()
					if err := s.Commit(batch); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n*entries), "ns/entry")
				b.ReportMetric(float64(bytes)/1e6/b.Elapsed().Seconds(), "MB/s")
			})
		}
	}
}
