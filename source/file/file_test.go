package file_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/file"
	"github.com/millrace/millrace/source/sourcetest"
)

var _ source.Source[string] = file.Lines(codec.String())

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if strings.HasSuffix(name, ".gz") {
		content = zipped(t, content)
	}
	require.NoError(t, os.WriteFile(path, content, 0o600))
	return path
}

func zipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(content)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return b.Bytes()
}

func clicks(n int) []*clickstreampb.ClickEvent {
	out := make([]*clickstreampb.ClickEvent, n)
	for i := range out {
		out[i] = &clickstreampb.ClickEvent{UserId: fmt.Sprint("user_", i%7), EventTimestamp: int64(i), Properties: map[string]string{"n": strings.Repeat("x", i%500)}}
	}
	return out
}

func equalClicks(a, b *clickstreampb.ClickEvent) bool { return proto.Equal(a, b) }

// rest reads a split from a position until an error and returns the values, "!" for records with Err, and that error.
func rest[T any](t *testing.T, s source.Source[T], split int, at int64) (values []string, offsets []int64, err error) {
	t.Helper()
	session, err := s.Open(t.Context(), source.Env{})
	require.NoError(t, err)
	splits, err := session.Splits(t.Context())
	require.NoError(t, err)
	r, err := session.Reader(t.Context(), splits[split], at)
	if err != nil {
		return nil, nil, err
	}
	defer func() { require.NoError(t, r.Close()) }()
	for {
		c, err := r.Fetch(context.Background())
		if err != nil {
			return values, offsets, err
		}
		var rec source.Record[T]
		for c.Next(&rec) {
			v := fmt.Sprint(rec.Value)
			if rec.Err != nil {
				v = "!" + rec.Err.Error()
			}
			values, offsets = append(values, v), append(offsets, rec.Offset)
		}
	}
}

func TestLinesConformance(t *testing.T) {
	many := make([]string, 9000)
	for i := range many {
		many[i] = strings.Repeat("line ", i%40)
	}
	for _, ext := range []string{"", ".gz"} {
		t.Run("lines"+ext, func(t *testing.T) {
			a := write(t, "a.txt"+ext, []byte("one\r\n\n\xef\xbb\xbftwo\nthree"))
			b := write(t, "b.txt"+ext, nil)
			c := write(t, "c.txt"+ext, []byte(strings.Join(many, "\n")+"\n"))
			sourcetest.Run(t, sourcetest.Config[string]{
				Source:    file.Lines(codec.String(), a, b, c),
				Want:      [][]string{{"one", "", "\ufefftwo", "three"}, nil, many},
				Positions: 12,
				Equal:     func(x, y string) bool { return x == y },
			})
		})
	}
}

func TestJSONLinesConformance(t *testing.T) {
	var b bytes.Buffer
	b.WriteString("\ufeff\n  \t\n")
	want := clicks(3000)
	for i, m := range want {
		fmt.Fprintf(&b, `{"user_id":%q,"eventTimestamp":"%d","properties":{"n":%q}}`+"\n", m.UserId, i, m.Properties["n"])
		if i%100 == 0 {
			b.WriteString("\r\n{]\n")
		}
	}
	for _, ext := range []string{"", ".gz"} {
		t.Run("json"+ext, func(t *testing.T) {
			s := file.JSONLines(codec.ProtoJSON[*clickstreampb.ClickEvent](), write(t, "clicks.jsonl"+ext, b.Bytes()))
			sourcetest.Run(t, sourcetest.Config[*clickstreampb.ClickEvent]{Source: s, Want: [][]*clickstreampb.ClickEvent{want}, Bad: 30, Equal: equalClicks, Positions: 12})
		})
	}
}

func TestDelimitedConformance(t *testing.T) {
	var b bytes.Buffer
	want := append(clicks(5000), &clickstreampb.ClickEvent{})
	for _, m := range want {
		_, err := protodelim.MarshalTo(&b, m)
		require.NoError(t, err)
	}
	for _, ext := range []string{"", ".gz"} {
		for _, dec := range []*codec.ProtoCodec[*clickstreampb.ClickEvent]{codec.Proto[*clickstreampb.ClickEvent](), codec.Proto[*clickstreampb.ClickEvent](codec.Aliased())} {
			t.Run(fmt.Sprintf("aliased=%t%s", dec.Aliases(), ext), func(t *testing.T) {
				s := file.Delimited(dec, write(t, "clicks.pb"+ext, b.Bytes()))
				sourcetest.Run(t, sourcetest.Config[*clickstreampb.ClickEvent]{Source: s, Want: [][]*clickstreampb.ClickEvent{want}, Equal: equalClicks, Positions: 12})
			})
		}
	}
}

func TestBadLineNamesFileAndLine(t *testing.T) {
	path := write(t, "clicks.jsonl", []byte("{\"user_id\":\"a\"}\n\n{\"usr\":\"b\"}\n"))
	_, offsets, err := rest(t, file.JSONLines(codec.ProtoJSON[*clickstreampb.ClickEvent](), path), 0, 1)
	require.ErrorIs(t, err, source.EOF)
	require.Equal(t, []int64{1, 3}, offsets)
	values, _, _ := rest(t, file.JSONLines(codec.ProtoJSON[*clickstreampb.ClickEvent](), path), 0, 2)
	require.Len(t, values, 1)
	require.Contains(t, values[0], filepath.ToSlash(path)+"/0 offset 3")
	require.Contains(t, values[0], `"usr"`)
}

func TestTruncated(t *testing.T) {
	whole := []byte("\x02ab\x03cde")
	for cut, want := range map[int]string{
		5: "record 2: 1 of 3 bytes",
		4: "record 2: 0 of 3 bytes",
	} {
		values, _, err := rest(t, file.Delimited(codec.String(), write(t, "x.bin", whole[:cut])), 0, 1)
		require.Equal(t, []string{"ab"}, values, "what came before is delivered")
		require.ErrorIs(t, err, file.ErrTruncated)
		require.NotErrorIs(t, err, source.EOF)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "x.bin")
	}
	_, _, err := rest(t, file.Delimited(codec.String(), write(t, "x.bin", []byte("\x02ab\x83"))), 0, 1)
	require.ErrorContains(t, err, "record 2: its length is cut off")

	compressed := zipped(t, []byte(strings.Repeat("some line\n", 1000)))
	path := write(t, "x.txt", nil) + ".gz"
	require.NoError(t, os.WriteFile(path, compressed[:len(compressed)-5], 0o600))
	_, _, err = rest(t, file.Lines(codec.String(), path), 0, 1)
	require.ErrorIs(t, err, file.ErrTruncated)
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	_, _, err = rest(t, file.Lines(codec.String(), path), 0, 1)
	require.ErrorIs(t, err, file.ErrTruncated)
	require.NoError(t, os.WriteFile(path, []byte("plain text, plainly"), 0o600))
	_, _, err = rest(t, file.Lines(codec.String(), path), 0, 1)
	require.ErrorContains(t, err, "gzip: invalid header")
}

func TestLimits(t *testing.T) {
	values, _, err := rest(t, file.Delimited(codec.String(), write(t, "x.bin", []byte("\x01a\xff\xff\xff\xff\x0fgarbage"))), 0, 1)
	require.Equal(t, []string{"a"}, values)
	require.ErrorIs(t, err, file.ErrTooLong)
	require.ErrorContains(t, err, "record 2: 4294967295 bytes, at most 16777216")

	_, _, err = rest(t, file.Delimited(codec.String(), write(t, "x.bin", bytes.Repeat([]byte{0xff}, 20))), 0, 1)
	require.Error(t, err)
	require.NotErrorIs(t, err, source.EOF)

	path := write(t, "x.txt", []byte("12345\r\n123456\n"))
	values, _, err = rest(t, file.Lines(codec.String(), path).WithMaxRecord(5), 0, 1)
	require.Equal(t, []string{"12345"}, values)
	require.ErrorIs(t, err, file.ErrTooLong)
	values, _, err = rest(t, file.Lines(codec.String(), path).WithMaxRecord(6), 0, 1)
	require.Equal(t, []string{"12345", "123456"}, values)
	require.ErrorIs(t, err, source.EOF)

	long := strings.Repeat("x", 1<<20)
	values, _, err = rest(t, file.Lines(codec.String(), write(t, "x.txt", []byte(long+"\n"+long))), 0, 1)
	require.Equal(t, []string{long, long}, values)
	require.ErrorIs(t, err, source.EOF)
}

// A record of 5 GiB is refused with the file, before memory is taken for it.
func TestRecordsOfFiveGiB(t *testing.T) {
	for name, begins := range map[string][]byte{"lines": []byte("a\n"), "delimited": append([]byte("\x01a"), binary.AppendUvarint(nil, 5<<30)...)} {
		path := write(t, name, begins)
		require.NoError(t, os.Truncate(path, 5<<30+int64(len(begins)))) // zeros that take no room on the disk
		s := file.Lines(codec.String(), path)
		if name == "delimited" {
			s = file.Delimited(codec.String(), path)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		values, _, err := rest(t, s, 0, 1)
		runtime.ReadMemStats(&after)
		require.Equal(t, []string{"a"}, values, name)
		require.ErrorIs(t, err, file.ErrTooLong)
		require.ErrorContains(t, err, path)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(10*file.DefaultMaxRecord), name)
	}
}

func TestPositions(t *testing.T) {
	s := file.Lines(codec.String(), write(t, "x.txt", []byte("a\nb\n")))
	_, _, err := rest(t, s, 0, 3)
	require.ErrorIs(t, err, source.EOF)
	_, _, err = rest(t, s, 0, 4)
	require.ErrorContains(t, err, "ends after record 2, and reading was to go on at 4")
	_, _, err = rest(t, s, 0, 0)
	require.ErrorContains(t, err, "numbered from 1")
}

func TestPatterns(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.txt", "a.txt", "c.log", "[x].txt"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600))
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	s := file.Lines(codec.String(), in("c.log"), in("?.txt"), in("a.txt"), in("[x].txt"))
	session, err := s.Open(t.Context(), source.Env{})
	require.NoError(t, err)
	splits, err := session.Splits(t.Context())
	require.NoError(t, err)
	var ids []string
	for i, split := range splits {
		ids = append(ids, filepath.Base(split.ID))
		require.Equal(t, int32(i), split.Partition)
		require.Equal(t, int32(4), split.Partitions)
		require.Equal(t, file.EndOfFile, split.Stop)
	}
	require.Equal(t, []string{"c.log", "a.txt", "b.txt", "[x].txt"}, ids)

	for _, missing := range []string{"none.txt", "n*.txt"} {
		session, err = file.Lines(codec.String(), in(missing)).Open(t.Context(), source.Env{})
		require.NoError(t, err)
		_, err = session.Splits(t.Context())
		require.ErrorIs(t, err, file.ErrNoFiles)
		require.ErrorContains(t, err, missing)
	}
}

func TestNamesAndCodecs(t *testing.T) {
	require.Equal(t, "file json=a.jsonl,b/*.jsonl.gz", file.JSONLines(codec.ProtoJSON[*clickstreampb.ClickEvent](), "a.jsonl", "b/*.jsonl.gz").String())
	require.Equal(t, "file delimited=a.pb", file.Delimited(codec.String(), "a.pb").String())
	require.Equal(t, "proto:clickstream.v1.ClickEvent", file.JSONLines(codec.ProtoJSON[*clickstreampb.ClickEvent]()).Codec().ID())
	require.Nil(t, file.Lines(decoderOnly{}).Codec())
}

type decoderOnly struct{}

func (decoderOnly) DecodeRecord(r *source.Raw) (int, error) { return len(r.Value), nil }
