package stream_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/millrace/millrace/codec"
	sinkmemory "github.com/millrace/millrace/sink/memory"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/state"
	"github.com/millrace/millrace/state/savepoint"
	"github.com/millrace/millrace/stream"
	"github.com/millrace/millrace/watermark"
)

type purchase struct {
	User  string
	Cents int
	At    time.Time
}

func purchasedBy(p purchase) string { return p.User }

// spent keeps what each user has spent.
type spent struct {
	codec state.Codec[int]
	cents stream.ValueState[int]
}

func (s *spent) Open(ctx *stream.OpenContext) error {
	s.cents = stream.NewValue(ctx, "cents", s.codec)
	return nil
}

func (s *spent) Process(_ *stream.Context, in stream.Keyed[string, purchase], out *stream.Collector[int]) error {
	total, _ := s.cents.Get()
	s.cents.Set(total + in.Value.Cents)
	out.Emit(total + in.Value.Cents)
	return nil
}

func spendings(name string, totals state.Codec[int], opts ...stream.JobOption) *stream.Job {
	job := stream.NewJob("shop", append(opts, stream.NoDrain(), stream.Logger(quiet()))...)
	purchases := memory.Of(purchase{"ann", 500, time.UnixMilli(1)}, purchase{"bob", 700, time.UnixMilli(2)})
	in := stream.From(job, "purchases", purchases, watermark.Monotonous(func(p purchase) time.Time { return p.At }))
	byUser := stream.KeyBy(in, purchasedBy)
	totalsOf := stream.Process(byUser, name, stream.PerTask(func() *spent { return &spent{codec: totals} }))
	stream.To(totalsOf, "totals", &sinkmemory.List[int]{})
	return job
}

func ExampleJob_PlanState() {
	dir, err := os.MkdirTemp("", "plan")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	saved := filepath.Join(dir, "deployed")
	deployed := spendings("spent", codec.Int(), stream.StateDir(filepath.Join(dir, "state")), stream.SavepointAtEnd(saved))
	if err := deployed.Run(context.Background()); err != nil {
		fmt.Println(err)
		return
	}

	// The next version keeps totals in another form, and says how to read the old.
	decimal := codec.JSON[int](2).Named("cents")
	next := spendings("spent", codec.Migrating(decimal, codec.From(codec.Int(), func(n int) (int, error) { return n, nil })))
	sp, err := savepoint.Open(saved)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := next.PlanState(sp)
	fmt.Printf("%s%v\n\n", plan, err)

	// One that renames the operator would lose what it keeps.
	renamed := spendings("spendings", codec.Int())
	plan, err = renamed.PlanState(sp)
	fmt.Println(plan.Err() != nil, plan.Operator("spent").Fate, plan.Operator("spendings").Fate, err)
	// Output:
	// OPERATOR   FATE      IN THE STATE         IN THE JOB
	// purchases  kept      source; monotonous   the same
	// spent      migrated  process; key string  the same
	//   cents    migrated  int64                json:cents/v2
	// totals     kept      sink                 the same
	// <nil>
	//
	// true dropped new <nil>
}
