package registry_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/registry"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb/first"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/state"
)

var _ state.Codec[clicks] = (*registry.Decoder[clicks])(nil)

func TestRoundTrip(t *testing.T) {
	c := client(t, serve(t).url)
	inner := codec.Proto[clicks](codec.Aliased())
	enc, dec := registry.NewEncoder(c, inner, topic), registry.NewDecoder(c, inner)
	b, err := enc.Append([]byte("x"), click("ann"))
	require.NoError(t, err)
	require.Equal(t, "x\x00\x00\x00\x00\x01\x00", string(b[:7]))
	v, err := decode(dec, b[1:])
	require.NoError(t, err)
	require.True(t, proto.Equal(click("ann"), v))
	require.True(t, dec.Aliases())
	kept := dec.Keep(v)
	clear(b)
	require.Equal(t, "ann", kept.GetUserId())
	require.NotEqual(t, "ann", v.GetUserId(), "the message was meant to share the record's memory")
	require.Equal(t, "proto:clickstream.v1.ClickEvent", dec.ID(), "state has no frames")

	_, err = decode(dec, nil)
	require.ErrorIs(t, err, codec.ErrNoValue)
	v, err = decode(dec, registry.Header{ID: 1}.Append(nil))
	require.NoError(t, err)
	require.True(t, proto.Equal(&clickstreampb.ClickEvent{}, v))
	_, err = decode(dec, append(registry.Header{ID: 1}.Append(nil), 0x0a, 9))
	require.ErrorIs(t, err, codec.ErrMalformed)
}

// TestIndexes reads messages that are not the first of their file.
func TestIndexes(t *testing.T) {
	c := client(t, serve(t).url)
	list, err := structpb.NewList([]any{1.0, "a"})
	require.NoError(t, err)
	b := roundTrip(t, c, codec.Proto[*structpb.ListValue](), list)
	h, _, err := registry.Split(b)
	require.NoError(t, err)
	require.Equal(t, []int{2}, h.Path)
	b = roundTrip(t, c, codec.Proto[*descriptorpb.DescriptorProto_ReservedRange](), &descriptorpb.DescriptorProto_ReservedRange{Start: proto.Int32(4)})
	h, _, err = registry.Split(b)
	require.NoError(t, err)
	require.Len(t, h.Path, 2)

	// The same path written longer than it has to be.
	enc := registry.NewEncoder(c, codec.Proto[clicks](), topic)
	b, err = enc.Append(nil, click("ann"))
	require.NoError(t, err)
	long := append([]byte{}, b[:5]...)
	long = append(append(long, 0x82, 0x00, 0x80, 0x00), b[6:]...)
	v, err := decode(registry.NewDecoder(c, codec.Proto[clicks]()), long)
	require.NoError(t, err)
	require.Equal(t, "ann", v.GetUserId())
}

func roundTrip[M proto.Message](t *testing.T, c *registry.Client, inner *codec.ProtoCodec[M], v M) []byte {
	t.Helper()
	b, err := registry.NewEncoder(c, inner, string(v.ProtoReflect().Descriptor().FullName())).Append(nil, v)
	require.NoError(t, err)
	got, err := registry.NewDecoder(c, inner).DecodeRecord(&source.Raw{Value: b})
	require.NoError(t, err)
	require.True(t, proto.Equal(v, got))
	return b
}

func TestPlainIsExplicit(t *testing.T) {
	c := client(t, serve(t).url)
	inner := codec.Proto[clicks]()
	plain, err := inner.Append(nil, click("ann"))
	require.NoError(t, err)
	_, err = decode(registry.NewDecoder(c, inner), plain)
	require.ErrorIs(t, err, registry.ErrFrame)
	require.ErrorContains(t, err, "AcceptPlain")
	framedToo, err := registry.NewEncoder(c, inner, topic).Append(nil, click("bob"))
	require.NoError(t, err)
	both := registry.NewDecoder(c, inner, registry.AcceptPlain())
	for user, b := range map[string][]byte{"ann": plain, "bob": framedToo, "": {}} {
		v, err := decode(both, b)
		require.NoError(t, err)
		require.Equal(t, user, v.GetUserId())
	}
	_, err = decode(both, []byte{0, 1})
	require.ErrorIs(t, err, registry.ErrFrame)

	_, err = inner.DecodeRecord(&source.Raw{Value: framedToo})
	require.ErrorContains(t, err, "codec/registry", "a plain codec says what it may have met")
}

func TestRefusedRecords(t *testing.T) {
	s := serve(t)
	c := client(t, s.url)
	subjects := 0
	register := func(edit func(string) string) int {
		subjects++
		schema, err := c.Register(t.Context(), fmt.Sprint("subject-", subjects), clickSchema(t, edit))
		require.NoError(t, err)
		return schema.ID
	}
	two := register(func(s string) string { return s + "message Other { string user_id = 1; }" })
	typed := register(func(s string) string { return strings.Replace(s, "int64 event_timestamp", "string event_timestamp", 1) })
	elsewhere := register(func(s string) string { return strings.Replace(s, "clickstream.v1", "clickstream.v9", 1) })
	added := register(func(s string) string {
		return strings.Replace(s, "int64 event_timestamp", "bool really = 99; int64 event_timestamp", 1)
	})
	dec := registry.NewDecoder(c, codec.Proto[clicks]())
	for range 2 { // the second time from what was learned
		for _, c := range []struct {
			value []byte
			is    error
			text  string
		}{
			{framed(t, two, click("ann")), nil, ""},
			{framed(t, added, click("ann")), nil, ""},
			{framed(t, two, click("ann"), 1), registry.ErrWrongMessage, "message indexes [1] of schema id"},
			{framed(t, two, click("ann"), 1), registry.ErrWrongMessage, "are clickstream.v1.Other, not clickstream.v1.ClickEvent"},
			{framed(t, two, click("ann"), 0, 5), registry.ErrWrongMessage, "are no message, not"},
			{framed(t, typed, click("ann")), registry.ErrIncompatible, "clickstream.v1.ClickEvent.event_timestamp = 5: string -> int64:"},
			{framed(t, typed, click("ann")), registry.ErrIncompatible, "[FIELD_WIRE_COMPATIBLE_TYPE, backward]"},
			{framed(t, elsewhere, click("ann")), registry.ErrWrongMessage, "has no message clickstream.v1.ClickEvent; it has [clickstream.v9.ClickEvent]"},
			{framed(t, 999, click("ann")), registry.ErrNotFound, "looking up schema id 999"},
			{framed(t, 999, click("ann")), registry.ErrNotFound, "another registry?"},
		} {
			_, err := decode(dec, c.value)
			require.ErrorIs(t, err, c.is)
			require.False(t, source.IsTemporary(err))
			if c.is != nil {
				require.ErrorContains(t, err, c.text)
			}
		}
	}
	asked := s.requests.Load()
	for range 100 {
		_, err := decode(dec, framed(t, 999, click("ann")))
		require.ErrorIs(t, err, registry.ErrNotFound)
	}
	require.Equal(t, asked, s.requests.Load(), "an unknown id is not asked for with each record")

	moved := registry.NewDecoder(c, codec.Proto[clicks](), registry.AlsoNamed("clickstream.v9.ClickEvent"))
	v, err := decode(moved, framed(t, elsewhere, click("ann")))
	require.NoError(t, err)
	require.Equal(t, "ann", v.GetUserId())
}

// TestOneLookup has many tasks meet a new schema at once.
func TestOneLookup(t *testing.T) {
	s := serve(t)
	schema, err := client(t, s.url).Register(t.Context(), "a", clickstreampb.File_clickstream_v1_click_event_proto)
	require.NoError(t, err)
	dec := registry.NewDecoder(client(t, s.url), codec.Proto[clicks]())
	value := framed(t, schema.ID, click("ann"))
	before := s.requests.Load()
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 200 {
				if v, err := decode(dec, value); err != nil || v.GetUserId() != "ann" {
					t.Error(v, err)
				}
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 1, s.requests.Load()-before)
}

func TestDecodingAllocatesWhatPlainDoes(t *testing.T) {
	c := client(t, serve(t).url)
	for _, inner := range []*codec.ProtoCodec[clicks]{codec.Proto[clicks](), codec.Proto[clicks](codec.Aliased())} {
		enc, dec := registry.NewEncoder(c, inner, topic), registry.NewDecoder(c, inner)
		with, err := enc.Append(nil, click("ann"))
		require.NoError(t, err)
		_, without, err := registry.Split(with)
		require.NoError(t, err)
		measure := func(d source.Decoder[clicks], value []byte, scratch *source.Scratch) float64 {
			raw := &source.Raw{Value: value, Scratch: scratch}
			return testing.AllocsPerRun(200, func() {
				if _, err := d.DecodeRecord(raw); err != nil {
					t.Error(err)
				}
			})
		}
		require.Equal(t, measure(inner, without, nil), measure(dec, with, nil))
		require.Zero(t, measure(registry.NewDecoder(c, codec.Proto[clicks](codec.Aliased(), codec.Reused())), with, &source.Scratch{Reuse: true}))
		buf := make([]byte, 0, 1024)
		v := click("ann")
		require.Zero(t, testing.AllocsPerRun(200, func() {
			if _, err := enc.Append(buf, v); err != nil {
				t.Error(err)
			}
		}))
	}
}

// TestRegistryAway retries for a while, and then asks the job to: the record is not bad.
func TestRegistryAway(t *testing.T) {
	s := serve(t)
	schema, err := client(t, s.url).Register(t.Context(), "a", clickstreampb.File_clickstream_v1_click_event_proto)
	require.NoError(t, err)
	value := framed(t, schema.ID, click("ann"))
	dec := registry.NewDecoder(client(t, s.url, registry.Timeout(400*time.Millisecond)), codec.Proto[clicks]())
	s.fail.Store(1 << 40)
	_, err = decode(dec, value)
	require.ErrorIs(t, err, registry.ErrUnavailable)
	require.True(t, source.IsTemporary(err))
	s.fail.Store(1)
	_, err = decode(dec, value)
	require.NoError(t, err)
	s.fail.Store(1 << 40)
	_, err = decode(dec, value)
	require.NoError(t, err, "what is known needs no registry")

	gone := registry.NewDecoder(client(t, "http://127.0.0.1:1", registry.Timeout(50*time.Millisecond)), codec.Proto[clicks]())
	_, err = decode(gone, value)
	require.True(t, source.IsTemporary(err))
	require.ErrorContains(t, err, "connection refused")
}

// TestCheck compares with everything that a topic may hold, and warms the decoder.
func TestCheck(t *testing.T) {
	s := serve(t)
	c := client(t, s.url)
	dec := registry.NewDecoder(c, codec.Proto[clicks]())
	versions, err := dec.Check(t.Context(), topic)
	require.NoError(t, err)
	require.Empty(t, versions)
	for _, f := range []func(string) string{
		func(s string) string { return s },
		func(s string) string {
			return strings.Replace(s, "int64 event_timestamp", "bool more = 20; int64 event_timestamp", 1)
		},
	} {
		_, err := c.Register(t.Context(), "clicks-value", clickSchema(t, f))
		require.NoError(t, err)
	}
	versions, err = dec.Check(t.Context(), topic)
	require.NoError(t, err)
	require.Equal(t, []string{"subject clicks-value version 1 (id 1)", "subject clicks-value version 2 (id 2)"}, []string{versions[0].String(), versions[1].String()})
	asked := s.requests.Load()
	_, err = decode(dec, framed(t, 2, click("ann")))
	require.NoError(t, err)
	require.Equal(t, asked, s.requests.Load())

	// The first version of the event reads what the second wrote.
	old := registry.NewDecoder(c, codec.Proto[*first.ClickEvent](), registry.AlsoNamed("clickstream.v1.ClickEvent"))
	_, err = old.Check(t.Context(), topic)
	require.NoError(t, err)

	_, err = c.Register(t.Context(), "other-value", clickSchema(t, func(s string) string {
		return strings.Replace(s, "int64 event_timestamp", "repeated int64 event_timestamp", 1)
	}))
	require.NoError(t, err)
	_, err = dec.Check(t.Context(), "other")
	require.ErrorIs(t, err, registry.ErrIncompatible)
	require.ErrorContains(t, err, "does not read what subject other-value version 1")
	require.ErrorContains(t, err, "FIELD_WIRE_COMPATIBLE_CARDINALITY")
}

// TestManyIDs stays within its bound.
func TestManyIDs(t *testing.T) {
	c := client(t, serve(t).url)
	dec := registry.NewDecoder(c, codec.Proto[clicks]())
	schema, err := c.Register(t.Context(), "a", clickstreampb.File_clickstream_v1_click_event_proto)
	require.NoError(t, err)
	for id := range 1100 {
		_, _ = decode(dec, framed(t, 5000+id, click("ann")))
	}
	_, err = decode(dec, framed(t, schema.ID, click("ann")))
	require.NoError(t, err)
}

func FuzzDecoder(f *testing.F) {
	c := client(f, serve(f).url)
	schema, err := c.Register(f.Context(), "clicks-value", clickstreampb.File_clickstream_v1_click_event_proto)
	require.NoError(f, err)
	inner := codec.Proto[clicks]()
	dec, both := registry.NewDecoder(c, inner), registry.NewDecoder(c, inner, registry.AcceptPlain())
	f.Add(framed(f, schema.ID, click("ann")))
	f.Add(framed(f, schema.ID, click("ann"), 1))
	f.Add([]byte{0x0a, 1, 'a'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 4 && b[0] == 0 { // only ids that cost no lookup
			copy(b[1:], []byte{0, 0, 0, byte(schema.ID)})
		}
		strict, err := decode(dec, b)
		loose, lerr := decode(both, b)
		h, message, serr := registry.Split(b)
		switch {
		case b == nil:
		case serr != nil:
			require.ErrorIs(t, err, registry.ErrFrame)
		case len(h.Path) != 1 || h.Path[0] != 0:
			require.ErrorIs(t, err, registry.ErrWrongMessage)
		default:
			want, werr := inner.Decode(message)
			require.Equal(t, werr == nil, err == nil)
			require.True(t, werr != nil || proto.Equal(want, strict))
		}
		if len(b) > 0 && b[0] == 0 {
			require.Equal(t, err == nil, lerr == nil)
			return
		}
		want, werr := inner.DecodeRecord(&source.Raw{Value: b})
		require.Equal(t, werr == nil, lerr == nil)
		require.True(t, werr != nil || proto.Equal(want, loose))
	})
}
