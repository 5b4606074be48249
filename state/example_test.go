package state_test

import (
	"fmt"

	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/memory"
)

// A batch is applied whole; a store in memory ends with the process.
func ExampleBatch() {
	store, err := memory.Backend().Open("", 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer store.Close()
	var b state.Batch
	b.Set([]byte("user/ada"), []byte("3 clicks"))
	b.Set([]byte("user/bob"), []byte("1 click"))
	b.Delete([]byte("user/cyd"))
	if err := store.Commit(&b); err != nil {
		fmt.Println(err)
		return
	}
	err = store.Scan([]byte("user/"), []byte("user0"), func(key, value []byte) bool {
		fmt.Printf("%s: %s\n", key, value)
		return true
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// user/ada: 3 clicks
	// user/bob: 1 click
}
