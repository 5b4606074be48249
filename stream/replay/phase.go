package replay

import (
	"fmt"

	"github.com/millrace/millrace/stream"
)

// Phase is one run of the job within a replay.
type Phase struct {
	// Live says that the phase follows the log without an end. Otherwise it is one of history: its source must be bounded by what is the end of the log when
	// it is opened, as kafka.UntilEnd does.
	Live bool
	// Round counts the phases of history from 1; in the live phase it is how many there were.
	Round int
	// open: windows stay open at the end of the phase, for the one that follows.
	open bool
}

// Options are what the phase asks of the job, for stream.NewJob beside the program's own.
func (p Phase) Options() []stream.JobOption {
	if p.open && !p.Live {
		return []stream.JobOption{stream.NoDrain()}
	}
	return nil
}

// String names the phase in messages: "history", "history, round 2", "live".
func (p Phase) String() string {
	switch {
	case p.Live:
		return "live"
	case p.Round > 1:
		return fmt.Sprintf("history, round %d", p.Round)
	}
	return "history"
}
