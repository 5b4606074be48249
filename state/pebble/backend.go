package pebble

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/millrace/millrace/state"
)

// Option sets one property of the backend.
type Option interface{ apply(*config) }

type config struct {
	fs         vfs.FS
	log        *slog.Logger
	ingestOver limits
}

// limits is a number of writes and of bytes; a batch beyond either is over it. 0 bytes stand for a quarter of a memtable.
type limits struct {
	writes int
	bytes  int64
}

// Beyond these a commit goes around the log and the memtables: the same bytes are written once instead of twice, memory does not grow by the batch, and a restart has
// no log to read again.
var defaultIngestOver = limits{writes: 1_000_000}

type optionFunc func(*config)

func (f optionFunc) apply(c *config) { f(c) }

// FS keeps the store in the given file system instead of the operating system's; crash tests give one that forgets unsynced data.
func FS(fs vfs.FS) Option { return optionFunc(func(c *config) { c.fs = fs }) }

// Logger receives what Pebble has to say: its routine messages at debug level, background trouble as warnings and errors. The default is slog.Default().
func Logger(l *slog.Logger) Option { return optionFunc(func(c *config) { c.log = l }) }

// IngestOver sets from which size on a batch is written as sorted tables that are linked into the store in one step, instead of through the write-ahead
// log: more than writes entries or more than bytes of keys and values. The default is a million entries or a quarter of a memtable, which is a thirty-second
// of the store's memory, from 128 KiB to 16 MiB. Values of 0 and below keep the default.
func IngestOver(writes int, bytes int64) Option {
	return optionFunc(func(c *config) {
		if writes > 0 {
			c.ingestOver.writes = writes
		}
		if bytes > 0 {
			c.ingestOver.bytes = bytes
		}
	})
}

type backend struct{ config }

// Backend returns the Pebble backend. It is immutable and safe for concurrent use.
func Backend(opts ...Option) state.Backend {
	c := config{fs: vfs.Default, ingestOver: defaultIngestOver}
	for _, o := range opts {
		o.apply(&c)
	}
	return backend{c}
}

func (b backend) String() string { return "pebble" }

// Open opens or creates the store in dir. An empty dir gives a store in memory that ends with the process and keeps no log.
// A memoryBytes of 0 stands for 64 MiB; less than 4 MiB is raised to that.
func (b backend) Open(dir string, memoryBytes int64) (state.Store, error) {
	cfg := b.config
	if cfg.log == nil {
		cfg.log = slog.Default()
	}
	inMemory := dir == ""
	if inMemory {
		cfg.fs, dir = vfs.NewMem(), "state"
	}
	f := newFailure(dir, cfg.log)
	fs := &fencedFS{FS: cfg.fs, failure: f}
	if err := makeDir(fs, dir); err != nil {
		return nil, fmt.Errorf("pebble: create %s: %w", dir, err)
	}
	lock, err := lockDir(fs, dir)
	if err != nil {
		return nil, err
	}
	s, err := openLocked(fs, dir, memoryBytes, inMemory, f, cfg)
	if err != nil {
		if !f.isolate(closeTimeout) {
			return nil, errors.Join(err, fmt.Errorf("pebble: a write to %s hangs; the directory stays locked until the process ends", dir))
		}
		return nil, joinClose(err, lock)
	}
	s.lock = lock
	return s, nil
}

func openLocked(fs *fencedFS, dir string, memoryBytes int64, inMemory bool, f *failure, cfg config) (*store, error) {
	if err := verifyBeforeOpen(fs, dir); err != nil {
		return nil, err
	}
	if err := clearLeft(fs, dir); err != nil {
		return nil, fmt.Errorf("pebble: remove what a crash left in %s: %w", dir, err)
	}
	if !inMemory {
		if err := tryDisk(fs, dir); err != nil {
			return nil, fmt.Errorf("pebble: open %s: the disk takes nothing: %w; make room or repair it", dir, err)
		}
	}
	opts := tuned(fs, memoryBytes, f.opened.Load)
	opts.DisableWAL = inMemory
	opts.Logger = logger{f}
	opts.EventListener = listener(f)
	db, err := openOrFail(dir, opts, f)
	if err != nil {
		return nil, describeOpen(dir, err)
	}
	f.opened.Store(true)
	write := pebble.Sync
	if inMemory {
		write = pebble.NoSync
	}
	s := &store{db: db, opts: opts, fs: fs, dir: dir, write: write, ingestOver: cfg.ingestOver, failure: f}
	if s.ingestOver.bytes == 0 {
		s.ingestOver.bytes = int64(opts.MemTableSize / 4)
	}
	s.gate.init()
	return s, nil
}

// openOrFail opens the database unless the store fails meanwhile: Pebble waits for what it replays of the log to be flushed, however often that fails. Of a store that
// has failed what still runs can only wait: nothing it does reaches the disk.
func openOrFail(dir string, opts *pebble.Options, f *failure) (*pebble.DB, error) {
	type opened struct {
		db  *pebble.DB
		err error
	}
	done := make(chan opened, 1)
	go func() {
		db, err := openDB(dir, opts)
		done <- opened{db, err}
	}()
	select {
	case o := <-done:
		return o.db, o.err
	case <-f.done:
		return nil, f.err()
	}
}

// openDB returns a panic of Pebble as an error: damaged files can make it run into its own assertions. The cache is then the database's alone.
func openDB(dir string, opts *pebble.Options) (db *pebble.DB, err error) {
	defer opts.Cache.Unref()
	defer func() {
		if p := recover(); p != nil {
			if cause, ok := p.(error); ok && !isDamage(cause) {
				err = fmt.Errorf("opening panicked: %w", cause) // a disk that is full, say
				return
			}
			err = fmt.Errorf("%w: %s: opening panicked: %v", state.ErrCorrupt, dir, p)
		}
	}()
	return pebble.Open(dir, opts)
}
