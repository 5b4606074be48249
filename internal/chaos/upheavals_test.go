//go:build integration

package chaos

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"
)

// An upheaval is a rare and large fault while a process runs.
type upheaval struct {
	kind     string
	postgres bool // only where the sink is there
	disk     bool // only where the disk is one that may be filled
	fenced   bool // only where the sink turns away a process that another has replaced
	// cause has it happen to the run of process p, and returns the process that goes on: p, unless that may end.
	cause func(t *testing.T, r *run, p *process) *process
}

var upheavals = []upheaval{
	{kind: "database crashed", postgres: true, cause: onServer(func(ctx context.Context, w *world) error { return w.restartPostgres(ctx, true) })},
	{kind: "group rebalanced", cause: rebalance},
	{kind: "broker killed", cause: onServer(func(ctx context.Context, w *world) error { return w.restartKafka(ctx, true) })},
	{kind: "disk full", disk: true, cause: fillDisk},
	{kind: "moved, and the old process woken", fenced: true, cause: moveAway},
	{kind: "database restarted", postgres: true, cause: onServer(func(ctx context.Context, w *world) error { return w.restartPostgres(ctx, false) })},
	{kind: "broker restarted", cause: onServer(func(ctx context.Context, w *world) error { return w.restartKafka(ctx, false) })},
	{kind: "second instance started", cause: secondInstance},
}

// onServer is what happens to a server: the process goes on.
func onServer(f func(context.Context, *world) error) func(*testing.T, *run, *process) *process {
	return func(t *testing.T, r *run, p *process) *process {
		t.Helper()
		require.NoError(t, f(t.Context(), r.world))
		return p
	}
}

// secondInstance starts the same job once more beside the first, which must refuse to run and say why.
func secondInstance(t *testing.T, _ *run, p *process) *process {
	t.Helper()
	second, err := startProcess(p.spec)
	require.NoError(t, err)
	require.Error(t, second.wait(30*time.Second), "a second process ran to the end on the state of the first")
	now, _ := second.now()
	require.Zero(t, now.At, "a second process read from the log: %s", second.said())
	require.Contains(t, second.said(), "in use by another process")
	return p
}

// takenOver is what a process must say that another has replaced.
const takenOver = "another instance of the job has taken over"

// moveAway stops the process, goes on with a copy of its state in another directory, as on another machine, and wakes the old process, which must end and say why.
func moveAway(t *testing.T, r *run, p *process) *process {
	t.Helper()
	require.Eventually(t, func() bool { now, _ := p.now(); return now.Checkpoints > 0 }, time.Minute, 10*time.Millisecond, "a copy from before the first checkpoint would be refused, as the old process can then still write")
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGSTOP))
	time.Sleep(100 * time.Millisecond) // until all its threads have stopped
	moved := r.spec.Dir + "-moved"
	require.NoError(t, os.RemoveAll(moved))
	require.NoError(t, os.CopyFS(moved, os.DirFS(r.spec.Dir)))
	r.spec.Dir = moved
	next := r.start(t)
	require.Eventually(t, func() bool { now, _ := next.now(); return now.Checkpoints > 1 }, time.Minute, 10*time.Millisecond, "the moved job does not get on")
	require.NoError(t, next.cmd.Process.Signal(syscall.SIGSTOP)) // or it may be at the end of the log before the old one notices
	require.NoError(t, p.cmd.Process.Signal(syscall.SIGCONT))
	require.Error(t, p.wait(time.Minute), "the replaced process ran to the end")
	require.Contains(t, p.said(), takenOver)
	r.note(t, p)
	require.True(t, next.kill(), "the process that went on has ended: %s", next.said())
	r.note(t, next)
	return r.start(t)
}

// rebalance has a member join the consumer group that the job shows its progress under, and leave. The broker refuses the job's offsets meanwhile.
func rebalance(t *testing.T, r *run, p *process) *process {
	t.Helper()
	config := sarama.NewConfig()
	config.Version = sarama.V2_1_0_0
	group, err := sarama.NewConsumerGroup([]string{r.world.kafka.Plaintext}, p.spec.Group, config)
	require.NoError(t, err)
	defer group.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	m := &member{leave: cancel}
	err = group.Consume(ctx, []string{p.spec.Topic}, m)
	require.True(t, m.joined, "the member did not come to join the group: %v", err)
	return p
}

// member is in the group for a moment.
type member struct {
	joined bool
	leave  context.CancelFunc
}

// Setup implements sarama.ConsumerGroupHandler.
func (m *member) Setup(sarama.ConsumerGroupSession) error {
	m.joined = true
	time.AfterFunc(500*time.Millisecond, m.leave)
	return nil
}

// Cleanup implements sarama.ConsumerGroupHandler.
func (*member) Cleanup(sarama.ConsumerGroupSession) error { return nil }

// ConsumeClaim implements sarama.ConsumerGroupHandler.
func (*member) ConsumeClaim(s sarama.ConsumerGroupSession, _ sarama.ConsumerGroupClaim) error {
	<-s.Context().Done()
	return nil
}
