//go:build race

package metamorphic

// slowdown is by how much less is tried under the race detector, which makes all of it several times slower.
const slowdown = 2
