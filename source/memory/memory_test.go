package memory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/memory"
	"github.com/millrace/millrace/source/sourcetest"
)

var (
	_ source.Source[int] = memory.Of(1)
	_ source.Source[int] = memory.NewLive[int](1)
)

func TestConformance(t *testing.T) {
	numbers := make([]int, 1300)
	for i := range numbers {
		numbers[i] = i * i
	}
	for name, splits := range map[string][][]int{
		"none": {}, "one empty": {nil}, "one": {{7}}, "several": {{1, 2, 3}, nil, numbers},
	} {
		for _, size := range []int{0, 1, 7} {
			t.Run(fmt.Sprintf("%s/chunk=%d", name, size), func(t *testing.T) {
				s := memory.Splits(splits).WithChunkSize(size).WithTimestamps(func(v int) time.Time { return time.UnixMilli(int64(v)) })
				sourcetest.Run(t, sourcetest.Config[int]{Source: s, Want: splits, Equal: func(a, b int) bool { return a == b }})
			})
		}
	}
}

func TestLiveConformance(t *testing.T) {
	for _, closed := range []bool{false, true} {
		t.Run(fmt.Sprintf("closed=%t", closed), func(t *testing.T) {
			l := memory.NewLive[string](3).WithChunkSize(2)
			require.NoError(t, l.Append(0, "a", "b", "c"))
			require.NoError(t, l.Append(2, "d"))
			if closed {
				l.Close()
				l.Close()
			}
			sourcetest.Run(t, sourcetest.Config[string]{Source: l, Want: [][]string{{"a", "b", "c"}, nil, {"d"}}, Equal: func(a, b string) bool { return a == b }})
		})
	}
}

func open[T any](t *testing.T, s source.Source[T]) (source.Session[T], []source.Split) {
	t.Helper()
	session, err := s.Open(context.Background(), source.Env{})
	require.NoError(t, err)
	splits, err := session.Splits(context.Background())
	require.NoError(t, err)
	return session, splits
}

func TestSplitsAndTimestamps(t *testing.T) {
	s := memory.Of(5, 6).WithName("n").WithCodec(codec.Int()).WithTimestamps(func(v int) time.Time { return time.UnixMilli(int64(100 * v)) })
	require.Equal(t, "memory name=n splits=1", s.String())
	require.Equal(t, "int64", s.Codec().ID())
	require.Nil(t, memory.Of(1).Codec())
	session, splits := open(t, s)
	require.Equal(t, []source.Split{{ID: "n/0", Topic: "n", Partition: 0, Partitions: 1, Start: 0, Stop: 2}}, splits)
	r, err := session.Reader(context.Background(), splits[0], 1)
	require.NoError(t, err)
	c, err := r.Fetch(context.Background())
	require.NoError(t, err)
	var rec source.Record[int]
	require.True(t, c.Next(&rec))
	require.Equal(t, source.Record[int]{Value: 6, Timestamp: 600, Offset: 1}, rec)
	require.True(t, c.AtEnd())
}

func TestForeignPositions(t *testing.T) {
	session, splits := open(t, memory.Of(1))
	_, err := session.Reader(context.Background(), source.Split{ID: "x/3", Partition: 3}, 0)
	require.ErrorContains(t, err, "x/3")
	_, err = session.Reader(context.Background(), splits[0], -1)
	require.ErrorContains(t, err, "position -1")
}

func TestLiveWakesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memory.NewLive[int](1)
		session, splits := open(t, l)
		require.Equal(t, source.Unbounded, splits[0].Stop)
		r, err := session.Reader(context.Background(), splits[0], 0)
		require.NoError(t, err)

		began := time.Now()
		c, err := r.Fetch(context.Background())
		require.NoError(t, err)
		require.True(t, c.AtEnd())
		require.Equal(t, int64(0), c.End())
		require.Equal(t, 100*time.Millisecond, time.Since(began), "an idle split reports that it is idle")

		go func() {
			time.Sleep(30 * time.Millisecond)
			if err := l.Append(0, 1, 2); err != nil {
				t.Error(err)
			}
		}()
		began = time.Now()
		c, err = r.Fetch(context.Background())
		require.NoError(t, err)
		require.Equal(t, 30*time.Millisecond, time.Since(began), "what is appended is seen at once")
		require.Equal(t, int64(2), c.End())

		go func() {
			time.Sleep(30 * time.Millisecond)
			l.Close()
		}()
		_, err = r.Fetch(context.Background())
		require.ErrorIs(t, err, source.EOF)
		require.Error(t, l.Append(0, 3))
		require.Error(t, l.Append(1, 3))

		ctx, cancel := context.WithCancelCause(context.Background())
		cancel(errors.New("stop"))
		_, err = r.Fetch(ctx)
		require.ErrorIs(t, err, context.Canceled)
	})
}

func ExampleOf() {
	s := memory.Of("to be", "or not to be").WithName("lines")
	fmt.Println(s)
	// Output: memory name=lines splits=1
}
