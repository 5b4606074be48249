package print_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/sink"
	"github.com/millrace/millrace/sink/print"
	"github.com/millrace/millrace/sink/table"
)

type count struct {
	Word string
	N    int64
}

var counts = table.Of(
	table.Key(table.Text("word", func(c count) string { return c.Word })),
	table.Int("n", func(c count) int64 { return c.N }),
)

func write(t *testing.T, s sink.Sink[count], rows ...sink.Row[count]) error {
	w, err := s.Open(t.Context(), sink.Env{})
	require.NoError(t, err)
	err = w.Write(t.Context(), rows)
	require.NoError(t, w.Close())
	return err
}

func TestForms(t *testing.T) {
	rows := []sink.Row[count]{{Value: count{"mill", 1}}, {Value: count{"a \"b\"\nc", 2}}, {Value: count{"mill", 1}, Op: sink.Delete}}
	for _, test := range []struct {
		name string
		sink func(print.Option) sink.Sink[count]
		want string
	}{
		{"columns", func(o print.Option) sink.Sink[count] { return print.Columns(counts, o) }, "word=\"mill\" n=1\nword=\"a \\\"b\\\"\\nc\" n=2\ndeleted: word=\"mill\" n=1\n"},
		{"lines", func(o print.Option) sink.Sink[count] {
			return print.Lines(func(c count) string { return fmt.Sprint(c.N, " x ", c.Word[:1]) }, o)
		}, "1 x m\n2 x a\ndeleted: 1 x m\n"},
		{"lines with their own newline", func(o print.Option) sink.Sink[count] {
			return print.Lines(func(count) string { return "row\n" }, o)
		}, "row\nrow\ndeleted: row\n"},
		{"empty lines", func(o print.Option) sink.Sink[count] { return print.Lines(func(count) string { return "" }, o) }, "\n\ndeleted: \n"},
		{"values", func(o print.Option) sink.Sink[count] { return print.Values[count](o) }, "{Word:mill N:1}\n{Word:a \"b\"\nc N:2}\ndeleted: {Word:mill N:1}\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			s := test.sink(print.To(&out))
			require.True(t, s.Traits().Upserts, "deletes are to be seen")
			require.NoError(t, write(t, s, rows...))
			require.Equal(t, test.want, out.String())
		})
	}
}

func TestOneWritePerBatch(t *testing.T) {
	var out writes
	s := print.Columns(counts, print.To(&out))
	require.NoError(t, write(t, s), "an empty batch prints nothing")
	require.NoError(t, write(t, s, sink.Row[count]{Value: count{"a", 1}}, sink.Row[count]{Value: count{"b", 1}}))
	require.Equal(t, 1, out.n)
}

func TestWritersTakeTurns(t *testing.T) {
	var out writes // the race detector would see two at once
	s := print.Columns(counts, print.To(&out))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := write(t, s, sink.Row[count]{Value: count{"a", 1}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, 400, out.n)
}

func TestErrors(t *testing.T) {
	_, err := print.Columns(table.Of[count]()).Open(t.Context(), sink.Env{})
	require.ErrorContains(t, err, "no columns")
	require.ErrorContains(t, write(t, print.Columns(counts, print.To(closed{})), sink.Row[count]{}), "closed")
}

type writes struct{ n int }

func (w *writes) Write(p []byte) (int, error) {
	w.n++
	if !strings.HasSuffix(string(p), "\n") {
		return 0, errors.New("no newline at the end")
	}
	return len(p), nil
}

type closed struct{}

func (closed) Write([]byte) (int, error) { return 0, errors.New("closed") }

func ExampleColumns() {
	w, _ := print.Columns(counts).Open(context.Background(), sink.Env{})
	_ = w.Write(context.Background(), []sink.Row[count]{{Value: count{"mill", 1}}, {Value: count{"mill", 1}, Op: sink.Delete}})
	// Output:
	// word="mill" n=1
	// deleted: word="mill" n=1
}
