package generator_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/generator"
	"github.com/millrace/millrace/source/sourcetest"
)

var _ source.Source[int] = generator.New[int](1, 1, nil)

func product(split int, i int64) (int64, time.Time) {
	return int64(split+1) * i, time.UnixMilli(1000 * i)
}

func TestConformance(t *testing.T) {
	want := make([][]int64, 3)
	for s := range want {
		for i := range int64(1200) {
			v, _ := product(s, i)
			want[s] = append(want[s], v)
		}
	}
	sourcetest.Run(t, sourcetest.Config[int64]{Source: generator.New(3, 1200, product), Want: want})
	sourcetest.Run(t, sourcetest.Config[int64]{Source: generator.New(2, 0, product), Want: make([][]int64, 2)})
	sourcetest.Run(t, sourcetest.Config[int64]{Source: generator.New(2, 3, product).WithRate(100_000), Positions: 4})
}

func draw(r *rand.Rand, split int, i int64) (uint64, time.Time) {
	return r.Uint64() ^ r.Uint64(), time.Time{}
}

func TestSeededConformance(t *testing.T) {
	sourcetest.Run(t, sourcetest.Config[uint64]{Source: generator.Seeded(7, 3, 1200, draw)})
}

func fetch[T any](t *testing.T, s source.Source[T], split int) source.Reader[T] {
	t.Helper()
	session, err := s.Open(context.Background(), source.Env{})
	require.NoError(t, err)
	splits, err := session.Splits(context.Background())
	require.NoError(t, err)
	r, err := session.Reader(context.Background(), splits[split], 0)
	require.NoError(t, err)
	return r
}

func first(t *testing.T, seed uint64, split int) (out []uint64) {
	t.Helper()
	c, err := fetch(t, generator.Seeded(seed, 2, 4, draw), split).Fetch(context.Background())
	require.NoError(t, err)
	var r source.Record[uint64]
	for c.Next(&r) {
		require.Equal(t, source.NoTimestamp, r.Timestamp)
		out = append(out, r.Value)
	}
	return out
}

func TestSeeds(t *testing.T) {
	require.Equal(t, first(t, 7, 0), first(t, 7, 0))
	require.NotEqual(t, first(t, 7, 0), first(t, 8, 0))
	require.NotEqual(t, first(t, 7, 0), first(t, 7, 1))
	require.Equal(t, []uint64{0x8458792d086757e, 0x53563087ecfa5d83}, first(t, 7, 0)[:2], "seeds mean the same in every version")
}

func TestForever(t *testing.T) {
	s := generator.New(1, generator.Forever, product)
	require.Equal(t, "generator name=generator splits=1 records=forever", s.String())
	r := fetch(t, s, 0)
	for range 10 {
		c, err := r.Fetch(context.Background())
		require.NoError(t, err)
		require.False(t, c.AtEnd())
	}
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := generator.New(2, generator.Forever, product).WithRate(2000)
		r := fetch(t, s, 0)
		began := time.Now()
		var at int64
		for time.Since(began) < 10*time.Second {
			c, err := r.Fetch(context.Background())
			require.NoError(t, err)
			at = c.End()
		}
		require.InDelta(t, 10_000, at, 2, "half of the rate for ten seconds")
		c, err := r.Fetch(context.Background())
		require.NoError(t, err)
		require.True(t, c.AtEnd())

		time.Sleep(time.Hour) // the job stood still
		began = time.Now()
		for time.Since(began) < time.Second {
			c, err := r.Fetch(context.Background())
			require.NoError(t, err)
			at = c.End()
		}
		require.InDelta(t, 12_000, at, 10, "one second made up for, one second made")
	})
}

func TestSlowRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := fetch(t, generator.New(1, generator.Forever, product).WithRate(0.5), 0)
		began := time.Now()
		for {
			c, err := r.Fetch(context.Background())
			require.NoError(t, err)
			require.True(t, c.AtEnd())
			if c.End() == 1 {
				break
			}
		}
		require.InDelta(t, 2, time.Since(began).Seconds(), 0.001)
		ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		_, err := r.Fetch(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

func TestRefused(t *testing.T) {
	for _, s := range []*generator.Source[int64]{
		generator.New(0, 1, product), generator.New(1, -1, product), generator.New(1, 1, product).WithRate(-1), generator.New(1, 1, product).WithRate(math.NaN()),
	} {
		_, err := s.WithName("g").Open(context.Background(), source.Env{})
		require.ErrorContains(t, err, "generator g")
	}
	session, err := generator.New(1, 1, product).Open(context.Background(), source.Env{})
	require.NoError(t, err)
	_, err = session.Reader(context.Background(), source.Split{ID: "g/1", Partition: 1}, 0)
	require.ErrorContains(t, err, "g/1")
	_, err = session.Reader(context.Background(), source.Split{ID: "g/0"}, -1)
	require.ErrorContains(t, err, "position -1")
}

func ExampleSeeded() {
	temperatures := generator.Seeded(1, 4, 1000, func(r *rand.Rand, split int, i int64) (float64, time.Time) {
		return 20 + r.NormFloat64(), time.UnixMilli(i * 1000)
	}).WithCodec(codec.Float64())
	fmt.Println(temperatures)
	// Output: generator name=generator splits=4 records=1000
}
