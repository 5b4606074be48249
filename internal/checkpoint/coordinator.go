// Package checkpoint decides when the tasks of a commit unit take a checkpoint, when it is complete, and when the unit is done.
//
// The Coordinator is a state machine without clock, I/O or goroutine: the unit feeds it events and carries out its actions. A commit unit is what
// commits together: all tasks of the process when any of them exchange, else one partition's task.
//
//	idle --Tick, Demand, Stop, all drained--> aligning --all Acks--> committing --Committed--> idle, or done after a Stop or Final
//
// Invariants: at most one checkpoint is under way; a checkpoint's tasks are those that were there when it began; Commit is asked for only when each of
// them has acknowledged; Announce follows only on Committed; after Exit nothing follows.
package checkpoint

// Kind is what a barrier means to the tasks.
type Kind uint8

const (
	Regular Kind = iota
	Stop         // sources read nothing after it; open windows stay in the state
	Final        // everything is drained; sinks show their last
)

// Event is what happened.
type Event struct {
	Type  EventType
	Task  int   // of Ack, Drained, Exhausted, Added
	Epoch int64 // of Ack, Committed
	// Source says of Added that the task is a source.
	Source bool
}

// EventType is the kind of an Event.
type EventType uint8

const (
	Tick      EventType = iota // the interval has passed
	Demand                     // a task's dirty state has reached its budget
	Ack                        // a task delivered its part of a checkpoint
	Committed                  // the commit that was asked for is durable
	Drained                    // a task has passed on the end of time
	Exhausted                  // a source is at its stop position and was asked not to drain
	StopAsked                  // the job is to stop
	Added                      // a task joined
)

// Action is what to do.
type Action struct {
	Type  ActionType
	Epoch int64
	Kind  Kind
}

// ActionType is the kind of an Action.
type ActionType uint8

const (
	SendBarrier ActionType = iota // to the sources
	Commit                        // what the tasks delivered for Epoch
	Announce                      // Epoch to all tasks
	Exit                          // all tasks
)

// Coordinator is one unit's state machine. Use New.
type Coordinator struct {
	tasks    map[int]*member
	epoch    int64
	kind     Kind
	waiting  int
	phase    phase
	stopping bool
	wanted   bool
}

type member struct {
	source, drained, exhausted, waiting bool
}

type phase uint8

const (
	idle phase = iota
	aligning
	committing
	done
)

// New starts after the checkpoint numbered last. Tasks follow as Added events.
func New(last int64) *Coordinator { return &Coordinator{tasks: map[int]*member{}, epoch: last} }

// Busy reports whether a checkpoint is under way; tasks are added when it is not.
func (c *Coordinator) Busy() bool { return c.phase != idle }

// Waiting lists the tasks that the checkpoint under way still waits for, in no order.
func (c *Coordinator) Waiting() (tasks []int) {
	for id, m := range c.tasks {
		if c.phase == aligning && m.waiting {
			tasks = append(tasks, id)
		}
	}
	return tasks
}

// Step takes an event and appends what follows from it.
func (c *Coordinator) Step(e Event, actions []Action) []Action {
	switch e.Type {
	case Added:
		c.tasks[e.Task] = &member{source: e.Source}
		return actions
	case Tick, Demand:
		c.wanted = true
	case Drained:
		c.tasks[e.Task].drained = true
	case Exhausted:
		c.tasks[e.Task].exhausted = true
	case StopAsked:
		c.stopping = true
	case Ack:
		m := c.tasks[e.Task]
		if c.phase != aligning || e.Epoch != c.epoch || m == nil || !m.waiting {
			return actions
		}
		m.waiting = false
		if c.waiting--; c.waiting == 0 {
			c.phase = committing
			actions = append(actions, Action{Type: Commit, Epoch: c.epoch, Kind: c.kind})
		}
	case Committed:
		if c.phase != committing || e.Epoch != c.epoch {
			return actions
		}
		actions = append(actions, Action{Type: Announce, Epoch: c.epoch, Kind: c.kind})
		if c.kind != Regular {
			c.phase = done
			return append(actions, Action{Type: Exit, Epoch: c.epoch, Kind: c.kind})
		}
		c.phase = idle
	}
	if c.phase == idle {
		actions = c.begin(actions)
	}
	return actions
}

// begin starts the checkpoint that is due, if any: a final one when all is drained, else a stop, else a regular one.
func (c *Coordinator) begin(actions []Action) []Action {
	if len(c.tasks) == 0 {
		return actions
	}
	// Sources are asked to drain or not to, all alike: exhausted ones never drain, so they stop instead.
	drained, exhausted := true, true
	for _, m := range c.tasks {
		drained = drained && m.drained
		exhausted = exhausted && (!m.source || m.exhausted)
	}
	switch {
	case drained:
		c.kind = Final
	case c.stopping || exhausted:
		c.kind = Stop
	case c.wanted:
		c.kind = Regular
	default:
		return actions
	}
	c.wanted = false
	c.epoch++
	c.phase = aligning
	c.waiting = len(c.tasks)
	for _, m := range c.tasks {
		m.waiting = true
	}
	return append(actions, Action{Type: SendBarrier, Epoch: c.epoch, Kind: c.kind})
}
