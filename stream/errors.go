package stream

import (
	"errors"

	"github.com/millrace/millrace/internal/runtime"
)

var (
	// ErrShape is wrapped when saved state was written by a job of another shape: another window, gap, bound, key, partition count or operator. The
	// message has both. A changed definition is a new state directory (a new group) and a replay.
	ErrShape = runtime.ErrShape
	// ErrFinished is wrapped when a job that ran to the end of its input finds more.
	ErrFinished = runtime.ErrFinished
	// ErrLogCut is wrapped when the log no longer has the record that comes next: where the job's state goes on, or where it was told to begin. The message
	// has the position and the log's beginning. AllowLogCut goes on behind the cut.
	ErrLogCut = runtime.ErrLogCut
	// ErrCheckpoint is wrapped when more checkpoints in a row failed than TolerateCheckpointFailures says.
	ErrCheckpoint = runtime.ErrCheckpoint
	// ErrMisplacedKey is wrapped when a key comes from a split it was declared not to come from.
	ErrMisplacedKey = errors.New("a key is not where it was declared to be")
	// ErrRunning is returned by Run when the job is running already.
	ErrRunning = errors.New("the job is running already")
	// ErrUnsettled is wrapped when the state and what an exactly-once sink has committed do not belong together: the state is older than the rows, or what would tell
	// whether the last transaction was committed is lost.
	ErrUnsettled = runtime.ErrUnsettled
	// ErrStopTimeout is wrapped when a job could not stop in order within its StopTimeout; its state is that of the last checkpoint.
	ErrStopTimeout = errors.New("the job did not stop in time")
)

// OperatorError is a failure inside an operator, with its name, subtask and the record at hand. Find it with errors.As.
type OperatorError = runtime.OperatorError

// PanicError is a panic in a user's function, with its stack. Find it with errors.As.
type PanicError = runtime.PanicError
