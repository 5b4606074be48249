package jobs

import (
	crand "crypto/rand"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"time"

	"github.com/millrace/millrace/stream"
)

var (
	calls  int
	limits = map[string]int{"a": 1}
	mode   = "fast"
	names  = []string{"never", "written"}
)

func SetMode(m string) { mode = m }

func init() { limits["b"] = 2 }

type in = stream.DataStream[map[string]float64]

func clocks(s stream.DataStream[int]) {
	stream.Map(s, func(v int) int64 { return time.Now().Unix() })          // want `calls time.Now`
	stream.Map(s, func(v int) time.Time { return time.Unix(int64(v), 0) }) // deterministic
	stream.Map(s, stamp)
	stream.Map(s, func(v int) int64 { return deeper(v) })
	stream.Logger(func() string { return time.Now().String() }) // makes no result
}

func stamp(int) time.Duration { return time.Since(time.Time{}) } // want `calls time.Since`

func deeper(v int) int64 { return deepest(v) }

func deepest(int) int64 {
	time.Sleep(time.Second) // want `calls time.Sleep`
	return 0
}

func unrelated() time.Time { return time.Now() } // no user function calls it

func chance(s stream.DataStream[int]) {
	stream.Filter(s, func(int) bool { return rand.Float64() < 0.1 }) // want `calls rand.Float64`
	stream.Filter(s, func(v int) bool { return rand.New(rand.NewPCG(uint64(v), 0)).Float64() < 0.1 })
	stream.Map(s, func(int) []byte {
		b := make([]byte, 8)
		_, _ = crand.Read(b) // want `calls rand.Read`
		return b
	})
}

func order(s in) {
	stream.FlatMap(s, func(m map[string]float64, emit func(string)) {
		for k := range m { // want `it emits in the loop`
			emit(k)
		}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			emit(k)
		}
		for k := range maps.Keys(m) { // want `it emits in the loop`
			emit(k)
		}
	})
	stream.Map(s, func(m map[string]float64) []string {
		var keys []string
		for k := range m { // want `appends to keys`
			keys = append(keys, k)
		}
		return keys
	})
	stream.Map(s, func(m map[string]float64) []string {
		var keys []string
		for k := range m {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		return keys
	})
	stream.Map(s, func(m map[string]float64) (sum float64) {
		for _, v := range m { // want `adds up float64s`
			sum += v
		}
		return sum
	})
	stream.Map(s, func(m map[string]float64) (n int) {
		for range m {
			n++
		}
		return n
	})
	stream.Map(s, func(m map[string]float64) string {
		for k := range m { // want `returns what it met first`
			return k
		}
		return ""
	})
	stream.Map(s, func(m map[string]float64) bool {
		for _, v := range m {
			if v > 1 {
				return true
			}
		}
		return false
	})
}

type function struct{ seen int }

func (f *function) Process(ctx *stream.Context, v int, out *stream.Collector[int]) error {
	f.seen++
	calls++             // want `writes calls`
	limits["c"]++       // want `writes limits`
	if mode == "fast" { // want `reads mode`
		out.Emit(len(names))
	}
	go out.Emit(v) // want `starts a goroutine`
	//streamvet:ignore the time is for a metric only
	_ = time.Now()
	_ = ctx.ProcessingTime()
	return nil
}

type sum struct{}

func (sum) New() int           { return 0 }
func (sum) Add(a, v int) int   { return a + v + rand.IntN(2) }         // want `calls rand.IntN`
func (sum) Result(a int) int64 { return time.Now().Unix() + int64(a) } // want `calls time.Now`

func use(s stream.DataStream[int]) {
	stream.Process[int, int](s, "f", &function{})
	stream.Aggregate[int, int, int64](s, "sum", sum{})
}

/* want `needs a reason` */ //streamvet:ignore
