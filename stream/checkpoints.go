package stream

import (
	"time"

	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state/checkpoint"
)

// ImageStatus is what became of a run's images of its state.
type ImageStatus = runtime.ImageStatus

// CheckpointStatus is how the checkpoints of a commit unit fare.
type CheckpointStatus = runtime.CheckpointStatus

// CheckpointTimeout is the time after which a checkpoint that is not complete is late: counted, and logged with the tasks that it waits for. It is not given up, since its barrier is
// on its way and a later one could not overtake it. The default is 10 minutes, 0 is never.
func CheckpointTimeout(d time.Duration) JobOption {
	return jobOption(func(c *config) { c.timeout = d })
}

// TolerateCheckpointFailures ends the attempt with ErrCheckpoint when more than n checkpoints in a row were late or could not be committed; the restart strategy decides what follows.
// Without it any number is tolerated, but commits of one checkpoint that fail for longer than RetryFor, and a store that has to be opened again, end the attempt in any case.
func TolerateCheckpointFailures(n int) JobOption {
	return jobOption(func(c *config) { c.tolerate = max(0, n) })
}

// Checkpoints keeps images of the job's state in another place while it runs, so that the loss of the state directory is not the loss of the state: a directory
// on another disk, or an object store. They are taken and brought away by a goroutine of their own, at the times that k says; the stream does not stop for
// them, and one that fails or takes too long is counted in Status.Images, logged, and never fails the job. checkpoint.Archive restores them. It needs a StateDir.
func Checkpoints(k *checkpoint.Keeper) JobOption { return jobOption(func(c *config) { c.keeper = k }) }

// images is how a run takes them.
func (c *config) images() runtime.ImageConfig {
	if c.keeper == nil {
		return runtime.ImageConfig{}
	}
	return runtime.ImageConfig{ImageSchedule: c.keeper.Schedule(), Backend: c.backend.String(), StateDir: c.stateDir, Take: c.keeper.Take}
}
