package keyed

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// The table against Go's map, through growth, removals from the middle of runs of slots, and keys that come again.
func TestTableAgainstMap(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	tab, model := newTable(), map[string]*Entry{}
	keys := make([]string, 40_000)
	for i := range keys {
		keys[i] = fmt.Sprintf("%0*d", 1+i%40, i) // short ones stand in the entry, long ones do not
	}
	for i := range 400_000 {
		key := keys[rnd.IntN(len(keys))]
		e := tab.named(key)
		require.Same(t, e, tab.find([]byte(key)))
		require.Same(t, model[key], e)
		switch {
		case e == nil && (i < 200_000 || rnd.IntN(4) == 0): // it grows first, then shrinks
			e = newEntry(1)
			e.begin([]byte(key))
			require.Equal(t, key, e.Key)
			tab.add(e)
			model[key] = e
		case e != nil && (i >= 200_000 || rnd.IntN(4) == 0):
			tab.remove(e)
			delete(model, key)
		}
	}
	used := 0
	seen := map[*page]bool{}
	for _, p := range tab.pages {
		if !seen[p] {
			used += p.used
		}
		seen[p] = true
	}
	require.Equal(t, len(model), used)
	require.Greater(t, len(seen), 30)
	for _, key := range keys {
		require.Same(t, model[key], tab.named(key))
	}
}

// What each record looks at is one line of the cache, and an entry is two.
func TestEntryInLinesOfTheCache(t *testing.T) {
	require.LessOrEqual(t, unsafe.Offsetof(Entry{}.timers), uintptr(64))
	require.LessOrEqual(t, unsafe.Sizeof(Entry{}), uintptr(128))
}
