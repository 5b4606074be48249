package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/loggen"
	"github.com/millrace/millrace/internal/oracle"
)

// kills is how often a run is killed, at places spread over the log.
const kills = 10

// TestKill kills run with SIGKILL again and again, and compares the table that it arrives at.
func TestKill(t *testing.T) {
	killAndCompare(t, loggen.Config{Seed: 20240301, Events: killEvents, Users: killEvents / 8, Length: killEvents * 72}, "1MiB")
}

// killAndCompare publishes a log to a broker in a process of its own, runs the job over it, killed and started again, with memory for a part of its state only,
// and compares sessions, metrics and late clicks with the oracle's.
func killAndCompare(t *testing.T, log loggen.Config, memory string) {
	dir := t.TempDir()
	data, db := filepath.Join(dir, "data"), filepath.Join(dir, "out.db")
	input := filepath.Join(dir, "clicks.jsonl")
	f, err := os.Create(input)
	require.NoError(t, err)
	require.NoError(t, loggen.WriteJSONLines(f, log.All()))
	require.NoError(t, f.Close())

	broker := start(t, "broker", "--data", data)
	broker.await(t, regexp.MustCompile(`serves`))
	do(t, "topic", "create", "--data", data, "--partitions", "4")
	do(t, "produce", "--data", data, "--in", input)

	run := []string{
		"run", "--data", data, "--until-end", "--sink", "sqlite:" + db, "--late-sink", "sqlite:" + db, "--memory", memory,
		"--checkpoint-every", "10ms", "--progress-every", "2ms",
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("places of the kills are made from seed %d", seed)
	told := 0
	for i, place := range places(rand.New(rand.NewPCG(seed, 0)), int64(log.Events)) {
		p := start(t, run...)
		at := p.reach(t, place)
		p.kill(t)
		t.Logf("kill %d at offset %d of %d (%d %%)", i+1, at, log.Events, 100*at/int64(log.Events))
		if at < int64(log.Events)*97/100 {
			told++
		}
	}
	require.GreaterOrEqual(t, told, kills*7/10, "too many kills came too late to tell anything")
	last := start(t, run...)
	require.NoError(t, last.cmd.Wait(), last.text)
	<-last.read
	t.Log(last.text.String()[strings.LastIndex(last.text.String(), "events/s\n"):])
	reads := regexp.MustCompile(`([\d,]+) read back`).FindStringSubmatch(last.text.String())
	require.NotNil(t, reads)
	require.NotEqual(t, "0", reads[1], "no state was read from disk: the memory was enough")

	split := loggen.Split(log.All(), 4, loggen.ByUser)
	want, err := oracle.Final(split, oracle.Params{Gap: 30 * minute, Bound: minute})
	require.NoError(t, err)
	sessions := want.Sessions()
	same(t, sessions, sessionsOf(t, sqliteRows(t, db, sessionsV1)))
	same(t, wantMetrics(sessions, 30*minute), metricsOf(t, sqliteRows(t, db, metricsV1)))
	same(t, lateText(want.LateRows()), sortedRows(sqliteRows(t, db, lateV1)))
}

// places are where to kill: one in each tenth of the log between 5 and 95 percent.
func places(random *rand.Rand, events int64) []int64 {
	var at []int64
	for i := range int64(kills) {
		at = append(at, events*5/100+(i*events*90/100+random.Int64N(events*80/100))/kills)
	}
	return at
}

// TestInterrupt stops a live job by signals, two as some senders do, and sees it end in order.
func TestInterrupt(t *testing.T) {
	data := t.TempDir()
	publishLines(t, data, line("ann", 1, "view"))
	p := start(t, "run", "--data", data, "--progress-every", "10ms")
	p.reach(t, 1)
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, p.cmd.Process.Signal(os.Interrupt))
	<-p.read
	require.NoError(t, p.cmd.Wait(), p.text)
	require.Contains(t, p.text.String(), "Stopped in order. To go on where it was:")
}

// process is the program as a process.
type process struct {
	cmd   *exec.Cmd
	text  *output
	lines chan string   // of what it says; when nobody takes them the oldest are dropped
	read  chan struct{} // closed when it says no more
}

// start runs the program with arguments. It is killed at the end of the test if it still runs.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0], args...), text: &output{}, lines: make(chan string, 1024), read: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	pipe, err := p.cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.read)
		defer close(p.lines)
		for s := bufio.NewScanner(pipe); s.Scan(); {
			fmt.Fprintln(p.text, s.Text())
			for sent := false; !sent; {
				select {
				case p.lines <- s.Text():
					sent = true
				default:
					select {
					case <-p.lines: // the oldest gives way, so that the last word is never lost
					default:
					}
				}
			}
		}
	}()
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			p.kill(t)
		}
	})
	return p
}

// kill ends the process without a chance to do anything.
func (p *process) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, p.cmd.Process.Kill())
	<-p.read
	require.Error(t, p.cmd.Wait())
}

// await waits for a line.
func (p *process) await(t *testing.T, want *regexp.Regexp) []string {
	t.Helper()
	limit := time.After(time.Minute)
	for {
		select {
		case line, ok := <-p.lines:
			require.True(t, ok, "the program ended without saying %q:\n%s", want, p.text)
			if m := want.FindStringSubmatch(line); m != nil {
				return m
			}
		case <-limit:
			t.Fatalf("the program does not say %q:\n%s", want, p.text)
		}
	}
}

var progressLine = regexp.MustCompile(`^Reading \S+: (?:\d+ % \()?([\d,]+)`)

// reach waits until the job has come to an offset, all partitions together, and returns where it was then.
func (p *process) reach(t *testing.T, place int64) int64 {
	t.Helper()
	for {
		m := p.await(t, progressLine)
		at, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSuffix(m[1], ","), ",", ""), 10, 64)
		require.NoError(t, err)
		if at >= place {
			return at
		}
	}
}

func TestPlaces(t *testing.T) {
	for seed := range uint64(100) {
		at := places(rand.New(rand.NewPCG(seed, 0)), 1000)
		require.Len(t, at, kills)
		require.True(t, slices.IsSorted(at))
		require.GreaterOrEqual(t, at[0], int64(50))
		require.Less(t, at[kills-1], int64(950))
	}
}
