package stream

import (
	"log/slog"
	goruntime "runtime"
	"time"

	"github.com/millrace/millrace/internal/clock"
	"github.com/millrace/millrace/internal/keygroup"
	"github.com/millrace/millrace/internal/metrics"
	"github.com/millrace/millrace/internal/runtime"
	"github.com/millrace/millrace/source/limit"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/checkpoint"
)

// JobOption sets something for a whole job.
type JobOption interface{ applyJob(*config) }

type jobOption func(*config)

func (f jobOption) applyJob(c *config) { f(c) }

type config struct {
	stateDir        string
	backend         state.Backend
	checkpointEvery time.Duration
	bufferTimeout   time.Duration
	stopTimeout     time.Duration
	statusEvery     time.Duration
	retryFor        time.Duration
	timeout         time.Duration // of a checkpoint
	tolerate        int           // failed checkpoints in a row; -1 for any number
	parallelism     int
	maxParallelism  int
	batchSize       int
	credit          int
	memory          int64
	noDrain         bool
	version         string
	trace           *trace // nil for nobody
	allowLogCut     bool
	allow           runtime.Allow
	fromSavepoint   string
	savepointAtEnd  string
	drainAtStop     bool
	restart         RestartStrategy
	logger          *slog.Logger
	meter           metrics.Meter
	memoryMeter     *metrics.Memory
	clock           clock.Clock
	limiter         *limit.Limiter // may be nil
	sinkBatches     int
	keeper          *checkpoint.Keeper // may be nil
	started         func(*runtime.Run) // told each run before it begins; may be nil
}

func defaults() config {
	m := &metrics.Memory{}
	return config{
		checkpointEvery: 10 * time.Second,
		bufferTimeout:   5 * time.Millisecond,
		stopTimeout:     30 * time.Second,
		statusEvery:     30 * time.Second,
		retryFor:        5 * time.Minute,
		timeout:         10 * time.Minute,
		tolerate:        -1,
		parallelism:     1,
		maxParallelism:  keygroup.DefaultMax,
		batchSize:       usualBatch(goruntime.GOMAXPROCS(0)),
		credit:          4,
		memory:          512 << 20,
		logger:          slog.Default(),
		meter:           m,
		memoryMeter:     m,
		clock:           clock.Real{},
		sinkBatches:     1,
	}
}

// StateDir is where the job keeps its state: positions, windows, timers. A job that finds state there goes on where it was. Without it the state lives in
// memory and ends with the process. One process at a time can use a directory.
func StateDir(dir string) JobOption { return jobOption(func(c *config) { c.stateDir = dir }) }

// Backend chooses what keeps the state; results do not depend on it. The default is Pebble with a StateDir, memory without.
func Backend(b state.Backend) JobOption { return jobOption(func(c *config) { c.backend = b }) }

// CheckpointEvery is the time between checkpoints: what a restarted job has to read again at most. The default is 10 s.
func CheckpointEvery(d time.Duration) JobOption {
	return jobOption(func(c *config) { c.checkpointEvery = d })
}

// BufferTimeout bounds how long a record waits in a batch that does not fill while more input is at hand; when the input runs dry batches go at
// once. The default is 5 ms.
func BufferTimeout(d time.Duration) JobOption {
	return jobOption(func(c *config) { c.bufferTimeout = d })
}

// BatchSize is the number of records in a batch between tasks. The default is 512, and 64 where there is one processor (GOMAXPROCS).
func BatchSize(records int) JobOption { return jobOption(func(c *config) { c.batchSize = records }) }

// usualBatch is long enough that handing it over costs a record little. Where tasks take turns on one processor a short one is still in its cache when the next task reads it: an exchange
// takes a fifth less time for a record. With two processors short batches wake tasks more often than that saves.
func usualBatch(processors int) int {
	if processors == 1 {
		return 64
	}
	return 512
}

// StopTimeout bounds how long Run takes to stop in order once its context is done: the last checkpoint and what waits in sinks. The default is 30 s.
func StopTimeout(d time.Duration) JobOption { return jobOption(func(c *config) { c.stopTimeout = d }) }

// StatusEvery is how often a running job logs where it is, and which split holds event time back. The default is 30 s; zero or less turns it off.
func StatusEvery(d time.Duration) JobOption { return jobOption(func(c *config) { c.statusEvery = d }) }

// RetryFor is how long a server that is away is tried again before the run fails. The default is 5 minutes.
func RetryFor(d time.Duration) JobOption { return jobOption(func(c *config) { c.retryFor = d }) }

// DefaultParallelism is the number of tasks of each operator behind an exchange that does not say otherwise. The default is 1. Source tasks follow
// the splits: one each.
func DefaultParallelism(n int) JobOption { return jobOption(func(c *config) { c.parallelism = n }) }

// MaxParallelism is the number of key groups, the bound of all parallelism. It is fixed for the life of the state. The default is 128.
func MaxParallelism(n int) JobOption { return jobOption(func(c *config) { c.maxParallelism = n }) }

// MemoryBudget is the one number for a job's memory. An eighth of it, at most 256 MiB, is room for garbage between two collections: it holds for the whole process, until that ends, and takes
// the place of a GOGC set by hand. A sixteenth bounds what waits between tasks. Of the rest two thirds are for the live values of keyed state, by estimate, and a third for the backend's caches; state that does
// not fit stays on disk, and where keys change faster than checkpoints become durable, tasks wait for them. Beside it there is what the sources have fetched, and the collector's garbage (GOGC) over what lives. The default is 512 MiB.
func MemoryBudget(bytes int64) JobOption { return jobOption(func(c *config) { c.memory = bytes }) }

// RateLimit paces the job: all its sources together emit what l lets through, however many splits they have. l may be changed while the job runs and
// may be shared by jobs. If it has a Governor it follows the latency and the errors of the job's sinks. Results do not depend on it.
func RateLimit(l *limit.Limiter) JobOption { return jobOption(func(c *config) { c.limiter = l }) }

// SinkBatches lets a sink's batch grow to so many times its usual size while the sink is busy with the one before. A job that is behind its log keeps its
// sinks busy, and larger batches cost them less for a row; one that has caught up hands its rows over as soon as it did before. Each writer may hold that many
// times the rows, and a write takes longer: choose the target of a limit.Adaptive for the largest batch. The default is 1, which is never to grow.
// Results do not depend on it.
func SinkBatches(times int) JobOption { return jobOption(func(c *config) { c.sinkBatches = times }) }

// NoDrain keeps windows open at the end of bounded input: they stay in the state, and a later run with more input goes on with them. By default the
// end of input fires everything and finishes the job.
func NoDrain() JobOption { return jobOption(func(c *config) { c.noDrain = true }) }

// AllowLogCut lets a job go on with a log's oldest record where those before it were deleted before the job had read them. They are counted (positions_cut),
// and windows that they may belong to are marked as partial. By default such a job fails with ErrLogCut.
func AllowLogCut() JobOption { return jobOption(func(c *config) { c.allowLogCut = true }) }

// Restart says what happens when the job fails. The default is not to restart.
func Restart(s RestartStrategy) JobOption { return jobOption(func(c *config) { c.restart = s }) }

// Logger takes the job's log. The default is slog.Default().
func Logger(l *slog.Logger) JobOption { return jobOption(func(c *config) { c.logger = l }) }

// Meter makes counters: the interface that an exporter implements.
type Meter = metrics.Meter

// Counter only grows.
type Counter = metrics.Counter

// WithMeter sends the job's counters to m as well as to Job.Counters.
func WithMeter(m Meter) JobOption {
	return jobOption(func(c *config) { c.meter = metrics.Both(c.memoryMeter, m) })
}

// UnderTest is what package streamtest drives a job by: processing time and all waiting follow c, and started, if not nil, is told each run before it
// begins. The types of its parameters are the module's own: for other programs streamtest.Clock has an option.
func UnderTest(c clock.Clock, started func(*runtime.Run)) JobOption {
	return jobOption(func(cfg *config) { cfg.clock, cfg.started = c, started })
}

// OpOption sets something for one operator.
type OpOption interface{ applyOp(*opConfig) }

type opOption func(*opConfig)

func (f opOption) applyOp(c *opConfig) { f(c) }

type opConfig struct {
	name            string
	parallelism     int
	dropRetractions bool
}

func opOptions(opts []OpOption) (c opConfig) {
	for _, o := range opts {
		o.applyOp(&c)
	}
	return c
}

// Name names an operator that takes no name by position. Names are unique in a job.
func Name(name string) OpOption { return opOption(func(c *opConfig) { c.name = name }) }

// Parallelism is the number of tasks of an operator. A keyed one is behind an exchange anyway; any other gets one that spreads the records evenly, and
// so leaves the task of what it reads.
func Parallelism(n int) OpOption { return opOption(func(c *opConfig) { c.parallelism = n }) }

// DropRetractions has an operator ignore retractions of results that late records superseded, counting them. Without it an operator that cannot take
// anything back refuses to be built behind one that may.
func DropRetractions() OpOption { return opOption(func(c *opConfig) { c.dropRetractions = true }) }
