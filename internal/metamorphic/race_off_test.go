//go:build !race

package metamorphic

const slowdown = 1
