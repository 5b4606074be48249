// Package keygroup says which shard a key belongs to, and which subtask owns the shard.
//
// A key group is the unit of state that moves when a job is rescaled. The functions are part of the stored format: they never change.
package keygroup

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// DefaultMax is the number of key groups of a job that does not choose: an upper bound of its parallelism, fixed for the life of its state.
const DefaultMax = 128

// Of is the group of a key: its hash, scrambled, mod max.
func Of(key []byte, max int) int {
	h := int(Scramble(int32(Hash(key))))
	if max&(max-1) == 0 { // as the default is: no division
		return h & (max - 1)
	}
	return h % max
}

// Subtask is the owner of a group at a parallelism.
func Subtask(group, parallelism, max int) int { return group * parallelism / max }

// Owners is the Subtask of each group, to look it up without a division.
func Owners(parallelism, max int) []int32 {
	owners := make([]int32, max)
	for group := range owners {
		owners[group] = int32(Subtask(group, parallelism, max))
	}
	return owners
}

// Range is the groups [from, to) of a subtask.
func Range(subtask, parallelism, max int) (from, to int) {
	return (subtask*max + parallelism - 1) / parallelism, ((subtask+1)*max + parallelism - 1) / parallelism
}

// Hash is a 32-bit fold of a multiply-xor hash over 8-byte words (the mixing of wyhash's short form): stable across processes and machines.
func Hash(key []byte) uint32 {
	const p0, p1 = 0xa0761d6478bd642f, 0xe7037ed1a0b428db
	h := uint64(len(key)) ^ p1
	rest := key
	for len(rest) >= 8 {
		h = mix(h^p0, binary.LittleEndian.Uint64(rest)^p1)
		rest = rest[8:]
	}
	h = mix(h^p0, last(key, len(rest))^p1)
	return uint32(h ^ h>>32)
}

// last is the number that the last n bytes of a key are, fewer than eight, the first of them its lowest. Bytes that are read twice fall on one place; there is no loop, as how often it is
// run could not be foretold.
func last(key []byte, n int) uint64 {
	switch {
	case len(key) >= 8:
		return binary.LittleEndian.Uint64(key[len(key)-8:]) >> (64 - 8*n)
	case n >= 4:
		return uint64(binary.LittleEndian.Uint32(key)) | uint64(binary.LittleEndian.Uint32(key[n-4:]))<<(8*(n-4))
	case n > 0:
		return uint64(key[0]) | uint64(key[n/2])<<(8*(n/2)) | uint64(key[n-1])<<(8*(n-1))
	}
	return 0
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// Scramble is the 32-bit MurmurHash3 of one int, made non-negative: the function that Flink derives key groups by.
func Scramble(code int32) int32 {
	c := uint32(code)
	c *= 0xcc9e2d51
	c = bits.RotateLeft32(c, 15)
	c *= 0x1b873593
	c = bits.RotateLeft32(c, 13)
	c = c*5 + 0xe6546b64
	c ^= 4
	c ^= c >> 16
	c *= 0x85ebca6b
	c ^= c >> 13
	c *= 0xc2b2ae35
	c ^= c >> 16
	sign := int32(c) >> 31 // half of the numbers have it: a branch would be missed as often
	return ((int32(c) ^ sign) - sign) & math.MaxInt32
}
