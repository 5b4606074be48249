//go:build linux && !race

package bench

import (
	"bytes"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

// inChild tells the process that is measured what it is.
const inChild = "MILLRACE_BENCH_MEMORY"

// A job whose state is bounded takes bounded memory, however long its log: over ten million events half a million users come, have their session and go. The job has 64 MiB; what is
// resident beside them is the program, what sources and lanes hold, and the collector's garbage. Sessions that stayed would take 300 MB more.
func TestMemoryIsBoundedOverALongLog(t *testing.T) {
	const events, most = 10_000_000, 320 << 20
	if os.Getenv(inChild) != "" {
		for _, exchange := range []bool{false, true} {
			sessions(t, way{users: 400_000, present: 1000, exchange: exchange, durable: true, memory: 64 << 20}, events)
		}
		status, err := os.ReadFile("/proc/self/status")
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout.Write(status)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), inChild+"=yes")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	_, after, _ := strings.Cut(out.String(), "VmHWM:") // the most that was resident
	kb, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("at most %d MB over %d million events, in place and through an exchange", kb>>10, events/1_000_000)
	if kb<<10 > most {
		t.Errorf("%d MB resident over %d million events, at most %d were wanted", kb>>10, events/1_000_000, most>>20)
	}
}
