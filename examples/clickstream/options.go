package main

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/pflag"

	"github.com/millrace/millrace/examples/clickstream/internal/target"
	"github.com/millrace/millrace/source/kafka"
	"github.com/millrace/millrace/state"
	memorystate "github.com/millrace/millrace/state/memory"
	pebblestate "github.com/millrace/millrace/state/pebble"
	"github.com/millrace/millrace/stream"
)

// runOptions are the flags of run as they were given.
type runOptions struct {
	group           string
	from            string
	untilEnd        bool
	noDrain         bool
	allowCut        bool
	definition      Definition
	sink            string
	version         string
	lateSink        string
	parallelism     int
	memory          string
	backend         string
	checkpointEvery time.Duration
	watching        watching
	savepoints      savepoints
	checkpoints     checkpointOptions
}

func (o *runOptions) flags(f *pflag.FlagSet) {
	o.common(f, target.FirstVersion)
	f.StringVar(&o.from, "from", fromEarliest, "where a new group begins: earliest, latest, committed, or a time such as 2024-03-01T00:00:00Z")
	f.BoolVar(&o.untilEnd, "until-end", false, "stop at what is the end of the topic now, closing all sessions")
	f.BoolVar(&o.noDrain, "no-drain", false, "with --until-end, keep the last sessions open, so that the group can go on later")
	o.savepoints.flags(f)
}

// common are the flags of every command that computes the result.
func (o *runOptions) common(f *pflag.FlagSet, version string) {
	f.StringVar(&o.version, "version", version, "version of the result to write, in tables of its own beside those of other versions; lowercase letters, digits and _")
	f.StringVar(&o.group, "group", "", "name of this computation: its state is in DATA/state/GROUP, its progress in Kafka under that consumer group (default sessions-VERSION)")
	f.BoolVar(&o.allowCut, allowCutFlag, false, "go on although clicks were deleted from the topic before the group had read them; sessions that may lack some are counted")
	o.definition.timeFlags(f)
	f.BoolVar(&o.definition.LocalKeys, "local-keys", true, "one task per partition, without an exchange; false spreads users over --parallelism tasks")
	o.definition.provenanceFlag(f)
	f.IntVar(&o.parallelism, "parallelism", 1, "tasks behind the exchange of --local-keys=false")
	f.StringVar(&o.sink, "sink", "", "where sessions go, see above (default sqlite:DATA/clickstream.db?table=sessions)")
	f.StringVar(&o.lateSink, "late-sink", "", "where clicks go that came too late for any session; without it they are only counted")
	f.StringVar(&o.memory, "memory", "512MiB", "memory for the job's state; what does not fit stays on disk")
	f.StringVar(&o.backend, "backend", "pebble", "what keeps the state: pebble, or memory (with snapshots on disk)")
	f.DurationVar(&o.checkpointEvery, "checkpoint-every", 10*time.Second, "time between checkpoints: what a restart reads again at most")
	o.checkpoints.flags(f)
	o.watching.flags(f)
}

// settings are the flags of run, understood.
type settings struct {
	runOptions
	stateDir      string
	restored      bool // the group has state
	sessions      target.Target
	metrics       target.Target
	late          target.Target // Kind is empty without
	jobOptions    []stream.JobOption
	sourceOptions []kafka.Option
}

var groupName = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)

// resolve understands the flags, or says what is wrong with them.
func (o *runOptions) resolve(p *program) (settings, error) {
	s := settings{runOptions: *o}
	if err := o.definition.check(); err != nil {
		return s, err
	}
	if o.definition.LocalKeys && o.parallelism != 1 {
		p.say("--parallelism %d has no effect with --local-keys, which has one task per partition; add --local-keys=false.", o.parallelism)
	}
	return s, firstError(func() error { return s.targets(p) }, func() error { return s.state(p) }, s.source, func() error { return s.job(p) })
}

func (s *settings) targets(p *program) (err error) {
	if s.sink == "" {
		s.sink = defaultSink(p.data)
	}
	if s.sessions, err = target.Parse(s.sink, sessionsTable, s.version); err != nil {
		return err
	}
	if s.metrics, err = s.sessions.Beside(metricsName); err != nil {
		return err
	}
	if s.lateSink != "" {
		s.late, err = target.Parse(s.lateSink, lateTable, s.version)
	}
	return err
}

// state finds the group's. Each version has a group of its own.
func (s *settings) state(p *program) error {
	if s.group == "" {
		var err error
		if s.group, err = p.groupOf(s); err != nil {
			return err
		}
	}
	if !groupName.MatchString(s.group) {
		return fmt.Errorf("--group %q: use letters, digits, and . _ - but no . at the beginning: it names a directory", s.group)
	}
	s.stateDir = p.stateDirOf(s.group)
	s.restored = notEmpty(s.stateDir) || s.savepoints.from != ""
	return nil
}

func (s *settings) source() error {
	start := kafka.Earliest()
	switch s.from {
	case fromEarliest:
	case fromLatest:
		start = kafka.Latest()
	case fromCommitted:
		start = kafka.Committed(s.group, kafka.Earliest())
	default:
		t, err := instant("--from", s.from, fmt.Sprintf("%s, %s, %s, or ", fromEarliest, fromLatest, fromCommitted))
		if err != nil {
			return err
		}
		start = kafka.Timestamp(t)
	}
	s.sourceOptions = []kafka.Option{kafka.StartFrom(start), kafka.Group(s.group)}
	if s.untilEnd {
		s.sourceOptions = append(s.sourceOptions, kafka.UntilEnd())
	}
	return nil
}

func (s *settings) job(p *program) error {
	memory, err := humanize.ParseBytes(s.memory)
	if err != nil || memory > math.MaxInt64 {
		return fmt.Errorf("--memory %s: use a size such as 512MiB", s.memory)
	}
	backend, err := s.stateBackend()
	if err != nil {
		return err
	}
	logger, err := p.logger()
	if err != nil {
		return err
	}
	s.jobOptions = []stream.JobOption{
		stream.Version(s.version),
		stream.StateDir(s.stateDir), stream.Backend(backend), stream.MemoryBudget(int64(memory)), stream.CheckpointEvery(s.checkpointEvery),
		stream.DefaultParallelism(s.parallelism), stream.Restart(stream.ExponentialDelay(firstRestart, lastRestart, calm)), stream.Logger(logger),
	}
	s.jobOptions = append(s.jobOptions, s.savepoints.options()...)
	kept, err := s.checkpoints.jobOptions(s.group)
	if err != nil {
		return err
	}
	s.jobOptions = append(s.jobOptions, kept...)
	if s.allowCut {
		s.jobOptions = append(s.jobOptions, stream.AllowLogCut())
	}
	if s.noDrain {
		s.jobOptions = append(s.jobOptions, stream.NoDrain())
	}
	return nil
}

// stateBackend is what --backend names.
func (s *settings) stateBackend() (state.Backend, error) {
	switch s.backend {
	case "pebble":
		return pebblestate.Backend(), nil
	case "memory":
		return memorystate.Backend(), nil
	}
	return nil, fmt.Errorf("--backend %s: use pebble or memory", s.backend)
}

func notEmpty(dir string) bool {
	entries, err := os.ReadDir(dir)
	return err == nil && len(entries) > 0
}

func firstError(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}
