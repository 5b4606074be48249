//go:build linux && !race

package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/millrace/millrace/bench/proc"
)

// inChild tells the process that is measured what it is.
const inChild = "MILLRACE_BENCH_MEMORY"

// A job whose state is bounded takes bounded memory, however long its log: over ten million events half a million sessions begin and end. The job has 64 MiB; what is
// resident beside them is the program, what sources and lanes hold, and the collector's garbage. Sessions that stayed would take 300 MB more.
func TestMemoryIsBoundedOverALongLog(t *testing.T) {
	const events, most = 10_000_000, 320 << 20
	if os.Getenv(inChild) != "" {
		for _, exchange := range []bool{false, true} {
			sessions(t, way{users: 400_000, present: 1000, exchange: exchange, durable: true, memory: 64 << 20}, events)
		}
		peak, err := proc.Peak(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(peak)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), inChild+"=yes")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	var peak int64
	if _, err := fmt.Sscan(out.String(), &peak); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	t.Logf("at most %d MB over %d million events, in place and through an exchange", peak>>20, events/1_000_000)
	if peak > most {
		t.Errorf("%d MB resident over %d million events, at most %d were wanted", peak>>20, events/1_000_000, most>>20)
	}
}
