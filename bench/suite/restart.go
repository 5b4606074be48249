package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/millrace/millrace/internal/disk"
	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

const (
	restartKeys   = 10_000_000
	restartMemory = 512 << 20
	colFirst      = "first result ms"
	colState      = "state MB"
)

// restartPart is how long nothing comes.
func restartPart() part {
	p := part{
		name: "restart", title: "To the first result", headline: true, repeats: 3,
		about: "From the start of the process to the first row at the sink. \"Start\": the session job, new, on a topic of a million events. \"Restart\": a job with a gigabyte of state, of 10 million keys, " +
			"is ended by kill -9 after a checkpoint and started again; its first row has in it what was kept of its key. The budget of memory is 512 MB.",
		columns: []string{colFirst, colState, colPeak}, chart: colFirst,
	}
	p.variants = []variant{
		ours("Millrace, start", 1000),
		{name: "Millrace, restart after kill -9", run: restart},
	}
	return p
}

// restart fills a job's state in a process that it kills, and measures the next one.
func restart(ctx context.Context, b *bench) (Sample, error) {
	program, dir, err := b.ourselves()
	if err != nil {
		return Sample{}, err
	}
	defer os.RemoveAll(dir)
	args := []string{"restart", "--dir", dir, fmt.Sprint("--keys=", max(1000, int64(restartKeys*b.scale)))}
	if err := killed(ctx, program, append(args, "--fill")...); err != nil {
		return Sample{}, err
	}
	size, err := disk.Size(dir)
	if err != nil {
		return Sample{}, err
	}
	var got first
	s, err := child(ctx, "", &got, program, append(args, fmt.Sprint("--begun=", time.Now().UnixNano()))...)
	if err != nil {
		return s, err
	}
	if got.Updates != 2 {
		return s, fmt.Errorf("the first account told of has %d updates, want 2: one from before the end and one since", got.Updates)
	}
	s.CPU, s.Wall = 0, 0
	s.Values = map[string]float64{colFirst: got.First, colState: float64(size) / 1e6}
	return s, nil
}

// killed runs a program until it says something, and kills it then.
func killed(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	var last tail
	cmd.Stderr = &last
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil && !bytes.HasPrefix(line, []byte(resultLine)) {
		err = fmt.Errorf("it said %q", line)
	}
	killed := cmd.Process.Kill()
	_ = cmd.Wait() // that it was killed
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", shown(name, args), err, last.text)
	}
	return killed
}

// first is the first row of a job.
type first struct {
	Updates int64   `json:"updates"`
	First   float64 `json:"first_ms"`
}

// filling is a job that updates one account after the other, and tells of those that were updated before.
type filling struct {
	keys, begun int64
	fill        bool
	dir         string
	profile     string
}

func restartCommand() *cobra.Command {
	var f filling
	cmd := &cobra.Command{Use: "restart", Hidden: true, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd.Context(), cmd.OutOrStdout()) }}
	cmd.Flags().Int64Var(&f.keys, "keys", restartKeys, "accounts")
	cmd.Flags().BoolVar(&f.fill, "fill", false, "update each account once, make a checkpoint, and wait")
	cmd.Flags().Int64Var(&f.begun, "begun", 0, "when the process was started, in nanoseconds since 1970")
	cmd.Flags().StringVar(&f.dir, "dir", "", "directory of the state")
	cmd.Flags().StringVar(&f.profile, "cpuprofile", "", "file for a profile of the processor's time")
	return cmd
}

func (f filling) run(ctx context.Context, out io.Writer) error {
	stop, err := profiled(f.profile)
	if err != nil {
		return err
	}
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	job := stream.NewJob("restart", stream.StateDir(f.dir), stream.MemoryBudget(restartMemory), stream.DefaultParallelism(2), stream.CheckpointEvery(2*time.Second), stream.StatusEvery(0), stream.NoDrain(),
		stream.Logger(slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	from := stream.From(job, "updates", numbered(f), watermark.None(func(int64) time.Time { return time.UnixMilli(0) }))
	accounts := stream.Process(stream.KeyBy(from, func(i int64) int64 { return i % f.keys }), "accounts", stream.PerTask(func() *accounting { return &accounting{every: 2, noisy: true} }))
	row := &firstRow{begun: f.begun, then: cancel}
	stream.To(accounts, "first", row)
	if f.fill {
		go func() {
			defer cancel()
			if f.filled(ctx, job) {
				fmt.Fprintln(out, resultLine+"filled")
				<-ctx.Done()
			}
		}()
	}
	if err := job.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return tell(out, row.first)
}

// filled waits until a checkpoint has all accounts in it: the second that is complete after all were read, as the first may have begun before.
func (f filling) filled(ctx context.Context, job *stream.Job) bool {
	until := int64(0) // so many checkpoints
	for {
		status := job.Status()
		read, complete := int64(0), int64(0)
		for _, s := range status.Splits {
			read += s.Position
		}
		for _, c := range status.Checkpoints {
			complete += c.Completed
		}
		switch {
		case until == 0 && read >= f.keys:
			until = complete + 2
		case until > 0 && complete >= until:
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// firstRow is a sink that takes one row, and then ends the job.
type firstRow struct {
	begun int64
	then  func()
	once  sync.Once
	first
}

func (s *firstRow) Open(context.Context, sink.Env) (sink.Writer[fourth], error) { return s, nil }
func (s *firstRow) Traits() sink.Traits                                         { return sink.Traits{} }
func (s *firstRow) String() string                                              { return "first" }
func (s *firstRow) Close() error                                                { return nil }
func (s *firstRow) Write(_ context.Context, rows []sink.Row[fourth]) error {
	s.once.Do(func() {
		s.first = first{rows[0].Value.updates, float64(time.Now().UnixNano()-s.begun) / 1e6}
		s.then()
	})
	return nil
}

// numbered is a source of numbers in two splits, the even and the odd ones, that has no end; to fill, it waits behind one for each key.
type numbered filling

func (n numbered) Open(context.Context, source.Env) (source.Session[int64], error) { return n, nil }
func (n numbered) String() string                                                  { return "numbers" }
func (n numbered) Close() error                                                    { return nil }
func (n numbered) Splits(context.Context) ([]source.Split, error) {
	return []source.Split{{ID: "0", Topic: "updates", Partitions: 2, Stop: source.Unbounded}, {ID: "1", Topic: "updates", Partition: 1, Partitions: 2, Stop: source.Unbounded}}, nil
}

func (n numbered) Reader(_ context.Context, s source.Split, at int64) (source.Reader[int64], error) {
	return &numbers{numbered: n, at: at, which: int64(s.Partition)}, nil
}

type numbers struct {
	numbered
	at, which int64
}

func (r *numbers) Fetch(ctx context.Context) (source.Chunk[int64], error) {
	end := r.at + 10_000
	if r.fill {
		if end = min(end, (r.keys+1-r.which)/2); r.at >= end {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}
	}
	c := &made{r.at, end, func(at int64) int64 { return 2*at + r.which }}
	r.at = end
	return c, nil
}
