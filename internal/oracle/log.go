// Package oracle computes, from a finished log, what a windowed job over it must give: slowly, in one pass over plain slices, so that one can see that
// it is right. It shares no code with the engine, which is tested against it.
//
// Times are milliseconds since the Unix epoch. Every record carries its origin watermark: the watermark its own partition had just before it. All
// decisions about a record follow from that, so the answers are functions of the log alone.
package oracle

import (
	"iter"
	"math"
)

// Event is one record of a log, as far as windows care: Kind is a free label that the session rows count by.
type Event struct {
	Key       string
	Timestamp int64
	Kind      string
}

// Log is a finished topic: for each partition its events by offset, from 0 without holes.
type Log [][]Event

// Record is an event and where it stood.
type Record struct {
	Event
	Partition int
	Offset    int64
	// Origin is the watermark of the record's partition just before it: highest timestamp so far - bound - 1, or math.MinInt64.
	Origin int64
}

// Len is the number of events in all partitions.
func (l Log) Len() int {
	n := 0
	for _, events := range l {
		n += len(events)
	}
	return n
}

// Records yields the log partition by partition in offset order, with origin watermarks for a bound of out-of-orderness in milliseconds.
func (l Log) Records(bound int64) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		for partition, events := range l {
			watermark := int64(math.MinInt64)
			for offset, e := range events {
				if !yield(Record{e, partition, int64(offset), watermark}) {
					return
				}
				watermark = max(watermark, Sub(e.Timestamp, bound+1))
			}
		}
	}
}

// Split deals events to n partitions, in order, by Partition of their key.
func Split(events iter.Seq[Event], n int) Log {
	log := make(Log, n)
	for e := range events {
		p := Partition(e.Key, n)
		log[p] = append(log[p], e)
	}
	return log
}

// Partition is where a Java producer puts a key among n partitions: murmur2 of its bytes with seed 0x9747b28c, made positive, mod n.
func Partition(key string, n int) int {
	const m, r = 0x5bd1e995, 24
	h := uint32(0x9747b28c) ^ uint32(len(key))
	for ; len(key) >= 4; key = key[4:] {
		k := (uint32(key[0]) | uint32(key[1])<<8 | uint32(key[2])<<16 | uint32(key[3])<<24) * m
		h = h*m ^ (k^k>>r)*m
	}
	switch len(key) {
	case 3:
		h ^= uint32(key[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(key[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(key[0])) * m
	}
	h = (h ^ h>>13) * m
	return int((h^h>>15)&math.MaxInt32) % n
}

// Add is a + b for b >= 0, at most math.MaxInt64.
func Add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// Sub is a - b for b >= 0, at least math.MinInt64.
func Sub(a, b int64) int64 {
	if a < math.MinInt64+b {
		return math.MinInt64
	}
	return a - b
}
