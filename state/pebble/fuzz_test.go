package pebble

import "testing"

// FuzzManifest takes any bytes for a manifest: what is found lies in it, and what follows the place is said to be valid by the same rule.
func FuzzManifest(f *testing.F) {
	_, _, whole := unclosedManifest(f)
	f.Add(whole)
	f.Add(append(append([]byte{}, whole[:len(whole)/2]...), whole...))
	f.Add([]byte{0, 0, 0, 0, 0xff, 0xff, 1})
	f.Fuzz(func(t *testing.T, m []byte) {
		if len(m) > 1<<16 {
			return
		}
		at, damaged := manifestDamage(m)
		if at < 0 || at > len(m) || damaged && validChunk(m, at) > 0 {
			t.Fatalf("damage at %d of %d bytes", at, len(m))
		}
	})
}
