package pebble

import (
	"os"
	"strings"
	"testing"
)

// TestTheCachesConstructorIsTheOneRead fails when Pebble was raised: look whether newShardedCache still has the arguments that it is called with.
func TestTheCachesConstructorIsTheOneRead(t *testing.T) {
	mod, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if want := pebbleModule + " " + pebbleVersion; !strings.Contains(string(mod), want) {
		t.Fatalf("go.mod does not require %s", want)
	}
	const bytes = 64 << 20
	c := newCache(bytes)
	defer c.Unref()
	if got := c.MaxSize(); got != bytes {
		t.Errorf("a cache of %d bytes says it has %d", bytes, got)
	}
}

func TestShards(t *testing.T) {
	for _, c := range []struct {
		bytes      int64
		processors int
		want       int
	}{
		{4 << 20, 2, 4},    // as few as Pebble's
		{32 << 20, 2, 16},  // each of 2 MB
		{1 << 30, 2, 64},   // by the processors
		{1 << 30, 32, 512}, // each of 2 MB
	} {
		if got := shards(c.bytes, c.processors); got != c.want {
			t.Errorf("%d bytes, %d processors: %d shards, want %d", c.bytes, c.processors, got, c.want)
		}
	}
}
