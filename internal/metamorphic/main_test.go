package metamorphic

import (
	"fmt"
	"os"
	"runtime/pprof"
	"strings"
	"testing"
	"time"
)

// Jobs leave no goroutine of the engine behind, however they end. Goroutines of a store whose disk refused are the store's own: package state/pebble says
// which cannot be ended.
func TestMain(m *testing.M) {
	code := m.Run()
	var left []string
	for range 50 {
		if left = engineGoroutines(); len(left) == 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if code == 0 && len(left) > 0 {
		fmt.Printf("%d goroutines of the engine are left, the first:\n%s\n", len(left), left[0])
		code = 1
	}
	os.Exit(code)
}

// engineGoroutines are the stacks of goroutines that run the engine's code.
func engineGoroutines() (stacks []string) {
	const module = "github.com/millrace/millrace/"
	var all strings.Builder
	_ = pprof.Lookup("goroutine").WriteTo(&all, 2)
	for stack := range strings.SplitSeq(all.String(), "\n\n") {
		for _, part := range []string{"internal/runtime.", "internal/exchange.", "internal/keyed.", "internal/windowing.", "stream."} {
			if strings.Contains(stack, module+part) {
				stacks = append(stacks, stack)
				break
			}
		}
	}
	return stacks
}
