package main

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

// The update-heavy job: numbers are updates of accounts, which they pick evenly at random; an account is told of at each fourth update.
const (
	largeKeys    = 20_000_000
	largeUpdates = 30_000_000
	// largeMemory is a quarter of the state, which is 100 bytes a key.
	largeMemory = largeKeys * 100 / 4
	tellEvery   = 4
	// largeLimit is when the peer is stopped: where its indexes and filters do not fit into its cache, it takes many times as long as where they do.
	largeLimit = 30 * time.Minute
)

// largePart is state that does not fit into memory.
func largePart() part {
	p := part{
		name: "large", title: "State four times its memory", repeats: 1,
		about: "20 million accounts of about 100 bytes, 30 million updates of accounts that are picked evenly at random, through an exchange; a checkpoint every 10 s with sync, incremental on both sides. " +
			"The memory for state, caches and all, is 500 MB: Millrace's MemoryBudget, Flink's managed memory. Flink's heap is 512 MB beside that, with which the processes are about as large as each other. By default its RocksDB has no Bloom filters, which Pebble has; the last line is with them, partitioned, as otherwise each miss of the cache reads a whole filter. " +
			"Flink is stopped after half an hour: what is told of it is then of the updates that it had done. The answer is compared of who has done them all.",
		columns: []string{"updates/s", "M updates done", colCPU, colPeak}, chart: "updates/s",
	}
	p.variants = []variant{
		{name: "Millrace, Pebble", run: func(ctx context.Context, b *bench) (Sample, error) {
			program, dir, err := b.ourselves()
			if err != nil {
				return Sample{}, err
			}
			defer os.RemoveAll(dir)
			l := newLarge(b.scale)
			return l.measure(ctx, "", program, "large", "--dir", dir, fmt.Sprint("--keys=", l.keys), fmt.Sprint("--updates=", l.updates), fmt.Sprint("--memory=", l.memory))
		}},
		flinkLarge(flinkRocks, "filters=false"),
		flinkLarge(flinkFilters, "filters=true"),
	}
	return p
}

// flinkLarge is the job on Flink.
func flinkLarge(name string, args ...string) variant {
	return variant{name: name, run: func(ctx context.Context, b *bench) (Sample, error) {
		dir, clean, err := b.flink(ctx)
		if err != nil {
			return Sample{}, err
		}
		defer clean()
		l := newLarge(b.scale)
		limit := max(time.Minute, time.Duration(float64(largeLimit)*b.scale))
		return l.measure(ctx, dir, "java", append(append(javaFlags(dir, "512m"), "peer.LargeJob", fmt.Sprint("keys=", l.keys), fmt.Sprint("updates=", l.updates),
			fmt.Sprint("managed=", l.memory, "b"), "checkpoint=10", fmt.Sprint("limit=", limit.Milliseconds())), args...)...)
	}}
}

// large is a run of the job.
type large struct {
	keys, updates, memory int64
	dir, profile          string
}

func newLarge(scale float64) large {
	scaled := func(n float64) int64 { return max(1000, int64(n*scale)) }
	return large{keys: scaled(largeKeys), updates: scaled(largeUpdates), memory: max(8<<20, scaled(largeMemory))}
}

// totals is what a run comes to: how often accounts were told of, and a sum over what was told.
type totals struct {
	Told  int64   `json:"told"`
	Sum   int64   `json:"sum"`
	Phase float64 `json:"phase_s"`
	// Stopped is how many updates were done when the run was stopped before its end, else 0.
	Stopped int64 `json:"stopped,omitempty"`
}

func (l large) measure(ctx context.Context, dir, program string, args ...string) (Sample, error) {
	var got totals
	s, err := child(ctx, dir, &got, program, args...)
	if err != nil {
		return s, err
	}
	if err := l.check(got); err != nil {
		return s, err
	}
	s.Events, s.Phase = cmp.Or(got.Stopped, l.updates), got.Phase
	s.Values = map[string]float64{"updates/s": float64(s.Events) / got.Phase, "M updates done": float64(s.Events) / 1e6}
	return s, nil
}

// check compares a run's answer with what is expected. That of a run that was stopped depends on which updates it had done.
func (l large) check(got totals) error {
	if got.Stopped > 0 {
		return nil
	}
	if want := l.answer(); got.Told != want.Told || got.Sum != want.Sum {
		return fmt.Errorf("the answer is wrong: told %d times with sum %d, want %d and %d", got.Told, got.Sum, want.Told, want.Sum)
	}
	return nil
}

// answer computes what to expect: an account's number of updates, at each fourth, once as often as the account's number modulo 1000.
func (l large) answer() (t totals) {
	counts := make([]uint16, l.keys)
	for i := range l.updates {
		key := accountOf(i, l.keys)
		if counts[key]++; counts[key]%tellEvery == 0 {
			t.Told++
			t.Sum += int64(counts[key]) * (key%1000 + 1)
		}
	}
	return t
}

// accountOf picks the account of an update: the same in the peer's program. The mixing is that of SplitMix64.
func accountOf(i, keys int64) int64 {
	return int64(mixed(uint64(i)) >> 1 % uint64(keys))
}

func mixed(n uint64) uint64 {
	z := n * 0x9E3779B97F4A7C15
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

func largeCommand() *cobra.Command {
	var l large
	cmd := &cobra.Command{Use: "large", Hidden: true, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return l.run(cmd.Context(), cmd.OutOrStdout()) }}
	cmd.Flags().Int64Var(&l.keys, "keys", largeKeys, "accounts")
	cmd.Flags().Int64Var(&l.updates, "updates", largeUpdates, "updates")
	cmd.Flags().Int64Var(&l.memory, "memory", largeMemory, "bytes of memory for the state")
	cmd.Flags().StringVar(&l.dir, "dir", "", "directory of the state")
	cmd.Flags().StringVar(&l.profile, "cpuprofile", "", "file for a profile of the processor's time")
	return cmd
}

func (l large) run(ctx context.Context, out io.Writer) error {
	stop, err := profiled(l.profile)
	if err != nil {
		return err
	}
	defer stop()
	job := stream.NewJob("large", stream.StateDir(l.dir), stream.MemoryBudget(l.memory), stream.DefaultParallelism(2), stream.CheckpointEvery(10*time.Second), stream.StatusEvery(0),
		stream.Logger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	from := stream.From(job, "updates", updates(l), watermark.None(func(int64) time.Time { return time.UnixMilli(0) }))
	accounts := stream.Process(stream.KeyBy(from, func(i int64) int64 { return accountOf(i, l.keys) }), "accounts", stream.PerTask(func() *accounting { return &accounting{every: tellEvery} }))
	sums := new(toldSum)
	stream.To(accounts, "told", sums)
	began := time.Now()
	if err := job.Run(ctx); err != nil {
		return err
	}
	sums.Phase = time.Since(began).Seconds()
	return tell(out, sums.totals)
}

// account is what is kept of a key: about 100 bytes.
type account struct {
	updates, first, last, sum int64
	note                      [64]byte
}

var accountCodec = codec.Func("bench/account/1", func(dst []byte, a account) ([]byte, error) {
	for _, v := range [...]int64{a.updates, a.first, a.last, a.sum} {
		dst = binary.BigEndian.AppendUint64(dst, uint64(v))
	}
	return append(dst, a.note[:]...), nil
}, func(src []byte) (a account, err error) {
	if len(src) != 32+len(a.note) {
		return a, io.ErrUnexpectedEOF
	}
	for i, v := range [...]*int64{&a.updates, &a.first, &a.last, &a.sum} {
		*v = int64(binary.BigEndian.Uint64(src[8*i:]))
	}
	copy(a.note[:], src[32:])
	return a, nil
})

// accounting updates accounts.
type accounting struct {
	every   int64 // at each so manieth update an account is told of
	noisy   bool  // the note is nothing that can be compressed
	account stream.ValueState[account]
}

// Open implements stream.Opener.
func (p *accounting) Open(ctx *stream.OpenContext) error {
	p.account = stream.NewValue(ctx, "account", accountCodec)
	return nil
}

// Process implements stream.ProcessFunction.
func (p *accounting) Process(_ *stream.Context, in stream.Keyed[int64, int64], out *stream.Collector[fourth]) error {
	a, _ := p.account.Get()
	if a.updates == 0 {
		a.first = in.Value
		binary.BigEndian.PutUint64(a.note[:], uint64(in.Key))
		for i := 8; p.noisy && i < len(a.note); i += 8 {
			binary.BigEndian.PutUint64(a.note[i:], mixed(uint64(in.Key)*8+uint64(i)))
		}
	}
	a.updates, a.last, a.sum = a.updates+1, in.Value, a.sum+in.Value
	p.account.Set(a)
	if a.updates%p.every == 0 {
		out.Emit(fourth{in.Key, a.updates})
	}
	return nil
}

// fourth is an account's number of updates.
type fourth struct{ key, updates int64 }

// toldSum is a sink that adds up.
type toldSum struct {
	mu sync.Mutex
	totals
}

func (s *toldSum) Open(context.Context, sink.Env) (sink.Writer[fourth], error) { return s, nil }
func (s *toldSum) Traits() sink.Traits                                         { return sink.Traits{} }
func (s *toldSum) String() string                                              { return "told" }
func (s *toldSum) Close() error                                                { return nil }
func (s *toldSum) Write(_ context.Context, rows []sink.Row[fourth]) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range rows {
		s.Told++
		s.Sum += r.Value.updates * (r.Value.key%1000 + 1)
	}
	return nil
}

// updates is a source of the numbers of all updates in two splits.
type updates large

func (u updates) Open(context.Context, source.Env) (source.Session[int64], error) { return u, nil }
func (u updates) String() string                                                  { return "updates" }
func (u updates) Close() error                                                    { return nil }
func (u updates) Splits(context.Context) ([]source.Split, error) {
	half := u.updates / 2
	return []source.Split{{ID: "0", Topic: "updates", Partitions: 2, Stop: half}, {ID: "1", Topic: "updates", Partition: 1, Partitions: 2, Start: half, Stop: u.updates}}, nil
}

func (u updates) Reader(_ context.Context, s source.Split, at int64) (source.Reader[int64], error) {
	return &updating{at: at, stop: s.Stop}, nil
}

type updating struct{ at, stop int64 }

func (r *updating) Close() error { return nil }
func (r *updating) Fetch(context.Context) (source.Chunk[int64], error) {
	if r.at >= r.stop {
		return nil, source.EOF
	}
	c := &made{r.at, min(r.stop, r.at+10_000), func(at int64) int64 { return at }}
	r.at = c.end
	return c, nil
}
