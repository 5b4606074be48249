package stream

import (
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/state/checkpoint"
)

// ImageStatus is what became of a run's images of its state.
type ImageStatus = runtime.ImageStatus

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
