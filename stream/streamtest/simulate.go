package streamtest

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/millrace/millrace/internal/simulation"
	"github.com/millrace/millrace/stream"
)

// CourseVariable names, in the environment, the one course that Simulate makes in place of all: as a failure prints it, "seed=17 faults=1,4 share=50".
const CourseVariable = "MILLRACE_COURSE"

// Courses says what Simulate does. The zero value works.
type Courses struct {
	// Seeds is how many courses of events there are: 100 by default, with the seeds from First on.
	Seeds int
	// First is the first seed, 1 by default.
	First uint64
	// Faults is how many there are at most in a course: 8 by default, negative for none.
	Faults int
	// Check looks at the results after each course, the one without faults too. Simulate compares them with that one anyway. It may be nil.
	Check func() error
}

// Simulated is what Simulate did.
type Simulated struct {
	Courses, Processes, Steps int
	// Faults counts by kind, such as "crash" or "write applied, no reply".
	Faults map[string]int64
}

// Simulation is the surroundings of a job in one course of events. A job is connected to it by NewLog, and by NewTable, NewFiles and NewEvents.
type Simulation struct{ world *simulation.World }

// Options are the settings that a course chooses, those that results must not depend on: parallelism, batches, checkpoints, what keeps the state. They come last among
// a job's options, in place of others.
func (s *Simulation) Options() []stream.JobOption { return s.world.Options() }

// Seed is that of the course, to make the log by. The course is then compared with that without faults of the same seed.
func (s *Simulation) Seed() uint64 { return s.world.Seed() }

// Simulate runs a job under many courses of events, in this process and in simulated time, and fails the test if one of them comes to other results than the
// course without faults. In a course a seed decides everything that does not follow from the log: which goroutine goes on when, how far it gets before another
// does, what the log delivers at a time, how much time passes, what fails - before it took effect or after - and where the process crashes, to start again
// from what is left with another parallelism. Each seed is one course, which can be repeated.
//
// main is the program: it makes the job, with Options, and everything in it anew; it is called for each process. What outlives processes is made under a name with
// the Simulation. time.Now is simulated time. Nothing in the job may wait for what is outside: a network, say.
//
// A failure prints the rows that are wrong, how to make that course alone, what of it can be left out, and its last steps. t may be nil, as in an Example: then
// a failure panics.
func Simulate(t *testing.T, c Courses, main func(s *Simulation) *stream.Job) Simulated {
	if t != nil {
		t.Helper()
	}
	faults := c.Faults
	if faults == 0 {
		faults = 8
	}
	j := &simulation.Judge{T: t, Check: c.Check, Build: func(w *simulation.World) *stream.Job { return main(&Simulation{w}) }}
	done := Simulated{Faults: map[string]int64{}}
	one := func(p simulation.Plan) error {
		out, err := j.Try(p)
		if err != nil {
			return report(t, j, p, out, err)
		}
		done.Courses++
		done.Processes += out.Processes
		done.Steps += out.Steps
		for k, n := range out.Faults {
			done.Faults[string(k)] += n
		}
		return nil
	}
	err := c.each(faults, one)
	switch {
	case err != nil && t == nil:
		panic("streamtest: " + err.Error())
	case err != nil:
		t.Fatal(err)
	}
	return done
}

// each calls f with the plans of the courses, until one fails.
func (c Courses) each(faults int, f func(simulation.Plan) error) error {
	if text := os.Getenv(CourseVariable); text != "" {
		p, err := simulation.ParsePlan(text, faults)
		if err != nil {
			return fmt.Errorf("%s: %w", CourseVariable, err)
		}
		return f(p)
	}
	n, first := c.Seeds, c.First
	if n == 0 {
		n = 100
	}
	if first == 0 {
		first = 1
	}
	for i := range n {
		if err := f(simulation.Plan{Seed: first + uint64(i), Faults: faults}); err != nil {
			return err
		}
	}
	return nil
}

// report is all there is to say of a course that failed.
func report(t *testing.T, j *simulation.Judge, p simulation.Plan, out simulation.Outcome, err error) error {
	var b strings.Builder
	fmt.Fprintf(&b, "course %s (%d processes, %d steps, %s): %v\n", p, out.Processes, out.Steps, list(out.Faults), err)
	alone := func(p simulation.Plan) string {
		name := ""
		if t != nil {
			name = fmt.Sprintf(" -run '^%s$'", t.Name())
		}
		return fmt.Sprintf("%s='%s' go test%s .", CourseVariable, p, name)
	}
	fmt.Fprintf(&b, "make it alone: %s\n", alone(p))
	if again, _ := j.Try(p); !again.Same(out) {
		b.WriteString("the same seed took another course the second time: something in the job follows neither from the log nor from the seed, such as math/rand, the order of a map, a global variable or a goroutine of its own\n")
	}
	small, out, err := j.Shrink(p, out, err)
	if small.String() != p.String() {
		fmt.Fprintf(&b, "it still fails as course %s (%d processes, %d steps, %s): %v\nmake it alone: %s\n", small, out.Processes, out.Steps, list(out.Faults), err, alone(small))
	}
	fmt.Fprintf(&b, "what befell it, by number of step and time:\n%s\nits last steps:\n%s", strings.Join(out.Befell, "\n"), strings.Join(out.Last, "\n"))
	return errors.New(b.String())
}

func list(faults map[simulation.Kind]int64) string {
	if len(faults) == 0 {
		return "no faults"
	}
	var all []string
	for _, k := range slices.Sorted(maps.Keys(faults)) {
		all = append(all, fmt.Sprintf("%s %d", k, faults[k]))
	}
	return strings.Join(all, ", ")
}
