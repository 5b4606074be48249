// Package partitioner maps record keys to Kafka partitions as the usual producers do. Whoever reads a topic whose key decides the partition must use
// the rule its producer used.
package partitioner

import "encoding/binary"

// Murmur2 is the partition a Java producer chooses for key among n, n > 0: murmur2 with seed 0x9747b28c, sign bit cleared, modulo n
// (org.apache.kafka.common.utils.Utils.murmur2 and toPositive). A Java producer spreads records without a key (nil) by other means.
func Murmur2(key []byte, n int32) int32 {
	return int32(murmur2(key)&0x7fffffff) % n
}

// FNV1a is the partition sarama's default hash partitioner chooses for key among n, n > 0: 32-bit FNV-1a as a signed number, modulo n, without its sign.
func FNV1a(key []byte, n int32) int32 {
	h := uint32(2166136261)
	for _, c := range key {
		h = (h ^ uint32(c)) * 16777619
	}
	p := int32(h) % n
	if p < 0 {
		p = -p
	}
	return p
}

func murmur2(b []byte) uint32 {
	const m = 0x5bd1e995
	h := uint32(0x9747b28c) ^ uint32(len(b))
	for len(b) >= 4 {
		k := binary.LittleEndian.Uint32(b) * m
		k ^= k >> 24
		h = h*m ^ k*m
		b = b[4:]
	}
	switch len(b) {
	case 3:
		h ^= uint32(b[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(b[1]) << 8
		fallthrough
	case 1:
		h = (h ^ uint32(b[0])) * m
	}
	h ^= h >> 13
	h *= m
	return h ^ h>>15
}
