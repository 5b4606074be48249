//go:build !race

package kafka_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/stream"
)

// childVariable holds, in a process that this test starts and kills, what its job is.
const childVariable = "MILLRACE_EXACT_JOB"

type child struct {
	Brokers                []string
	Name, Dir, Rows, Dead  string
	N                      int
	Shared                 bool
	Pause                  time.Duration
	CheckpointMilliseconds int
}

func (e *exact) child() child {
	return child{e.brokers, e.name, e.dir, e.rows, e.dead, e.n, e.shared, e.pause, int(e.every.Milliseconds())}
}

// TestChild is the process that is killed: it runs the job of its environment, and does nothing as a test.
func TestChild(t *testing.T) {
	text := os.Getenv(childVariable)
	if text == "" {
		return
	}
	var c child
	require.NoError(t, json.Unmarshal([]byte(text), &c))
	e := &exact{
		t: t, brokers: c.Brokers, name: c.Name, dir: c.Dir, n: c.N, rows: c.Rows, dead: c.Dead, shared: c.Shared, wire: &wire{}, retries: 60, pause: c.Pause,
		every: time.Duration(c.CheckpointMilliseconds) * time.Millisecond,
	}
	require.NoError(t, e.job(stream.Restart(stream.FixedDelay(5, 0))).Run(t.Context()))
}

// run runs the child, kills it after a while, and reports whether it ended before.
func (c child) run(t *testing.T, killAfter time.Duration) (ended bool) {
	t.Helper()
	text, err := json.Marshal(c)
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^TestChild$", "-test.timeout=5m")
	cmd.Env = append(os.Environ(), childVariable+"="+string(text))
	out, err := os.CreateTemp(t.TempDir(), "out")
	require.NoError(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	require.NoError(t, cmd.Start())
	timer := time.AfterFunc(killAfter, func() { _ = cmd.Process.Kill() }) // an error is that it has ended
	err = cmd.Wait()
	killed := !timer.Stop()
	require.NoError(t, out.Close())
	if err != nil && !killed {
		said, _ := os.ReadFile(out.Name())
		require.NoError(t, err, "%s", said)
	}
	return err == nil
}

// A process is killed again and again at any moment, and each row is there once.
func TestExactlyOnceKilled(t *testing.T) {
	for _, shared := range []bool{false, true} {
		t.Run(fmt.Sprintf("shared=%t", shared), func(t *testing.T) {
			kills := nightly.Pick(4, 40)
			e := newExact(t, nightly.Pick(20_000, 200_000))
			e.shared, e.pause = shared, 5*time.Millisecond
			rng := rand.New(rand.NewPCG(7, uint64(e.n)))
			c, killed := e.child(), 0
			// The first runs are killed within the start, where transactions are settled, or soon after it.
			for longest := 400 * time.Millisecond; killed < kills; longest += 100 * time.Millisecond {
				if c.run(t, 30*time.Millisecond+time.Duration(rng.Int64N(int64(longest)))) {
					break
				}
				killed++
			}
			require.Positive(t, killed, "it ended before it was killed")
			for ended := false; !ended; {
				ended = c.run(t, 3*time.Minute)
			}
			e.check()
			t.Logf("killed %d times", killed)
			nightly.Record(t, nightly.Figures{Part: "kill -9, Kafka sink, exactly once", Cycles: int64(killed), Events: int64(e.n)})
		})
	}
}
