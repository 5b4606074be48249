//go:build integration

package chaos

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/internal/nightly"
	"github.com/millrace/millrace/internal/oracle"
	"github.com/millrace/millrace/stream"
)

// run is one scenario under way.
type run struct {
	scenario
	spec   jobSpec
	world  *world
	log    oracle.Log
	random *rand.Rand
	number int  // of the scenario
	disk   bool // the job has one of its own, which may be filled
	last   bool // the process that is started next runs to the end of the log

	faults    tally
	kills     int64
	restored  int64         // starts from a checkpoint, and restarts within a process
	ledger    stream.Ledger // as the process said that was noted last
	furthest  int64         // place at which a process began
	uncounted int64         // commits of group offsets that the broker refused, or did not answer
}

// cycles kills n processes, one in each of as many parts of the log, and lets one more run to the end.
func (r *run) cycles(t *testing.T, n int) {
	t.Helper()
	part := int64(r.log.Len()) / int64(n+1)
	for i := range n {
		r.cycle(t, i, int64(i)*part+1+r.random.Int64N(part))
		if r.random.IntN(4) == 0 {
			p := r.start(t)
			time.Sleep(time.Duration(r.random.IntN(250)) * time.Millisecond)
			r.kill(t, p, "killed while starting")
		}
	}
	r.last = true
	p := r.start(t)
	trouble := r.trouble(t, p)
	r.reach(t, p, int64(r.log.Len()))
	require.NoError(t, trouble.end())
	require.NoError(t, p.wait(2*time.Minute))
	r.note(t, p)
	require.GreaterOrEqual(t, r.furthest, int64(r.log.Len()/nightly.Pick(10, 2)), "no process began further on: progress was not kept")
	require.GreaterOrEqual(t, r.restored, int64(n)/2, "hardly any process went on from a checkpoint")
}

// cycle runs a process under faults until it has come to a place in the log, and kills it a moment later.
func (r *run) cycle(t *testing.T, i int, place int64) {
	t.Helper()
	p := r.start(t)
	trouble := r.trouble(t, p)
	if u, due := r.upheaval(i); due {
		r.reach(t, p, 1)
		r.faults.add(u.kind)
		if u.fenced { // it stops the process itself
			require.NoError(t, trouble.end())
		}
		next := u.cause(t, r, p)
		if next != p {
			require.NoError(t, trouble.end())
			p, trouble = next, r.trouble(t, next)
		}
	}
	r.reach(t, p, place)
	time.Sleep(time.Duration(r.random.IntN(200)) * time.Millisecond)
	r.kill(t, p, "killed")
	require.NoError(t, trouble.end())
	r.kills++
}

// reach waits until the process has come to a place in the log: whatever the faults, it goes on.
func (r *run) reach(t *testing.T, p *process, place int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	p.reach(ctx, place)
	now, _ := p.now()
	require.GreaterOrEqual(t, now.At, place, "the process does not get on, or has ended: %s", p.said())
}

// start starts the next process, with settings that results do not depend on chosen anew.
func (r *run) start(t *testing.T) *process {
	t.Helper()
	s := r.world.through(r.spec)
	s.CheckpointMs, s.Parallelism = 100+r.random.Int64N(200), 1+r.random.IntN(4)
	s.Follow = !r.last
	p, err := startProcess(s)
	require.NoError(t, err)
	t.Cleanup(func() { p.kill() })
	return p
}

// kill ends a process that must still run: no fault may end a job.
func (r *run) kill(t *testing.T, p *process, how string) {
	t.Helper()
	require.True(t, p.kill(), "the process ended by itself: %s", p.said())
	r.faults.add(how)
	r.note(t, p)
}

// note keeps what a process did.
func (r *run) note(t *testing.T, p *process) {
	t.Helper()
	last, _ := p.now()
	r.ledger = last.Ledger
	require.NoError(t, r.ledger.Balanced())
	if last.Start > 0 {
		r.restored++
	}
	r.restored += last.Restarts
	r.furthest = max(r.furthest, last.Start)
	r.uncounted += last.CommitsFailed
}

// trouble disturbs what this kind of sink depends on.
func (r *run) trouble(t *testing.T, p *process) *trouble {
	t.Helper()
	proxies := []*toxiproxy.Proxy{r.world.kafkaProxy}
	if r.postgres {
		proxies = append(proxies, r.world.postgresProxy)
	}
	trouble := startTrouble(p, proxies, rand.New(rand.NewPCG(r.random.Uint64(), 0)), &r.faults)
	t.Cleanup(func() { _ = trouble.end() }) // where the test ended early; it has another error to tell
	return trouble
}

// upheaval is what cycle i has, if any: all that can happen to this kind of sink have their turn, beginning with another one in each scenario.
func (r *run) upheaval(i int) (u upheaval, due bool) {
	if i%nightly.Pick(4, 2) != 1 {
		return u, false
	}
	var possible []upheaval
	for _, u := range upheavals {
		if (r.postgres || !u.postgres) && (r.disk || !u.disk) && (r.fences || !u.fenced) {
			possible = append(possible, u)
		}
	}
	return possible[(r.number+i/2)%len(possible)], true
}

// compare demands the exact answer of the sink, and leaves the figures.
func (r *run) compare(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	want, ledger, err := wanted(r.log, r.spec)
	require.NoError(t, err)
	require.ElementsMatch(t, ledger, r.ledger, "the last process's account of the records")
	f := nightly.Figures{Part: "kill -9: " + r.part, Cycles: r.kills + r.faults.counts["killed while starting"], Events: int64(r.log.Len()), Faults: r.faults.counts}
	for _, result := range r.spec.results() {
		got, err := r.read(ctx, r.world.direct(r.spec), result)
		require.NoError(t, err, result)
		losses, duplicates, examples := difference(got, want[result])
		f.Losses, f.Duplicates = f.Losses+losses, f.Duplicates+duplicates
		if losses+duplicates > 0 {
			t.Errorf("%s: %d of %d rows are missing, %d too many: %v", result, losses, len(want[result]), duplicates, examples)
		}
		require.NotEmpty(t, want[result])
	}
	nightly.Record(t, f)
	t.Logf("%d cycles over %d events, %d times from a checkpoint, last from %d; %d sessions, %d late; offsets not shown %d times; faults %v",
		f.Cycles, f.Events, r.restored, r.furthest, len(want[sessionsOut]), len(want[lateOut]), r.uncounted, f.Faults)
}
