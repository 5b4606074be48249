package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/compat"
	"github.com/millrace/millrace/codec/compat/protofile"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb/first"
	"github.com/millrace/millrace/sink/kafka"
	"github.com/millrace/millrace/source"
)

const (
	protoV1 = "clickstreampb/testdata/click_event_v1.proto"
	protoV2 = "clickstreampb/clickstream/v1/click_event.proto"
)

// edited is a schema file with some of its text replaced.
func edited(t testing.TB, path, old, replacement string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Contains(t, string(text), old)
	name := filepath.Join(t.TempDir(), "click_event.proto")
	require.NoError(t, os.WriteFile(name, []byte(strings.Replace(string(text), old, replacement, 1)), 0o644))
	return name
}

// says runs the program and returns what it prints as its result.
func says(t testing.TB, args ...string) (result string, err error) {
	t.Helper()
	var out output
	_, err = command(t.Context(), strings.NewReader(""), &out, args...)
	return out.String(), err
}

func TestSchemaCheck(t *testing.T) {
	for _, mode := range []string{"backward", "forward", "full"} {
		text, err := says(t, "schema", "check", protoV1, protoV2, "--mode", mode)
		require.NoError(t, err)
		require.Equal(t, fmt.Sprintf("%s is %s compatible with %s (WIRE_JSON).\n", protoV2, mode, protoV1), text)
	}
	for _, c := range []struct{ old, replacement, want string }{
		{"int64 event_timestamp = 5;", "string event_timestamp = 5;", "clickstream.v1.ClickEvent.event_timestamp = 5: int64 -> string: the bytes of one are not read as the other: they are dropped, refused, or taken for something else [FIELD_WIRE_COMPATIBLE_TYPE, backward]"},
		{"string url = 3;", "", `clickstream.v1.ClickEvent.url = 3: string -> nothing: a later field could take the number and misread old data: add reserved 3; reserved "url"; [FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED, backward]`},
		{"string url = 3;", "bytes page = 3;", "string -> bytes: JSON has base64 where it had a string"},
		{"string url = 3;", `string url = 3 [json_name = "page"];`, `"url" -> "page": JSON of one schema has a field that the other does not know [FIELD_SAME_JSON_NAME, backward]`},
		{"map<string, string> properties", "map<string, int64> properties", "properties[value] = 6: string -> int64"},
		{"package clickstream.v1;", "package clickstream.v2;", "[FILE_SAME_PACKAGE, backward]"},
	} {
		text, err := says(t, "schema", "check", protoV1, edited(t, protoV1, c.old, c.replacement))
		require.ErrorContains(t, err, "is not backward compatible")
		require.Contains(t, text, c.want)
	}
	renamed := edited(t, protoV1, "string url = 3;", "string page = 3;")
	require.Contains(t, refuse(t, "schema", "check", protoV1, renamed), "2 findings")
	do(t, "schema", "check", protoV1, renamed, "--category", "wire")

	// Of several older ones only the last counts, unless the check is transitive.
	deleted := edited(t, protoV1, "string url = 3;", `reserved 3; reserved "url";`)
	again := edited(t, protoV1, "string url = 3;", `int64 url = 3;`)
	require.Contains(t, refuse(t, "schema", "check", protoV1, deleted, again), "2 findings")
	text, err := says(t, "schema", "check", protoV1, deleted, again, "--transitive")
	require.Error(t, err)
	require.Contains(t, text, protoV1+": clickstream.v1.ClickEvent.url = 3: string -> int64")

	for want, args := range map[string][]string{
		"--mode: compatibility \"sideways\"": {protoV1, protoV2, "--mode", "sideways"},
		"--category all: use wire":           {protoV1, protoV2, "--category", "all"},
		"none.proto: no such file":           {"none.proto", protoV2},
		"say in which with --registry":       {"registry:x", protoV2},
		"--subjects: ":                       {protoV1, "registry:x", "--registry", "http://localhost:1", "--subjects", "mine"},
		"--registry: ":                       {protoV1, "registry:x", "--registry", "localhost:1"},
		"requires at least 2 arg":            {protoV1},
	} {
		require.Contains(t, refuse(t, append([]string{"schema", "check"}, args...)...), want)
	}
}

// TestSchemaCheckSeesWhatIsCompiled guards the event itself: each version of it that was ever released, and what is compiled now.
func TestSchemaCheckSeesWhatIsCompiled(t *testing.T) {
	do(t, "schema", "check", protoV1, "compiled", "--mode", "full", "--transitive")
	text, err := says(t, "schema", "check", protoV2, "compiled", "--mode", "full")
	require.NoError(t, err, text)
	v1, err := protofile.ParseFile(t.Context(), protoV1)
	require.NoError(t, err)
	require.Empty(t, compat.Check{Mode: compat.Full}.Messages(v1.Messages().Get(0), first.File_clickstream_first_v1_click_event_proto.Messages().Get(0)))
	require.Equal(t, v1.Messages().Get(0).Fields().Len(), first.File_clickstream_first_v1_click_event_proto.Messages().Get(0).Fields().Len())
}

func TestSchemaInRegistry(t *testing.T) {
	data := t.TempDir()
	here := []string{"--registry", "embedded", "--data", data}
	schema := func(args ...string) (string, error) {
		return says(t, append(append([]string{"schema"}, args...), here...)...)
	}
	text, err := schema("register", protoV1)
	require.NoError(t, err)
	require.Contains(t, text, "is subject raw-clickstream-events-value version 1 (id 1).")
	for range 2 {
		text, err = schema("register")
		require.NoError(t, err)
		require.Equal(t, "clickstream/v1/click_event.proto is subject raw-clickstream-events-value version 2 (id 2).\n", text)
	}
	text, err = schema("list")
	require.NoError(t, err)
	require.Equal(t, "raw-clickstream-events-value@1\tid 1\tclickstream.v1.ClickEvent (6 fields)\nraw-clickstream-events-value@2\tid 2\tclickstream.v1.ClickEvent (8 fields)\n", text)
	_, err = schema("register", edited(t, protoV1, "int64 event_timestamp = 5;", "string event_timestamp = 5;"))
	require.ErrorContains(t, err, "clickstream.v1.ClickEvent.event_timestamp = 5: int64 -> string")

	text, err = schema("check", "registry:raw-clickstream-events-value", "compiled", "--transitive", "--mode", "full")
	require.NoError(t, err)
	require.Equal(t, "compiled is full compatible with raw-clickstream-events-value version 1, raw-clickstream-events-value version 2 (WIRE_JSON).\n", text)
	text, err = schema("check", "registry:raw-clickstream-events-value@1", "registry:raw-clickstream-events-value@latest")
	require.NoError(t, err)
	require.Contains(t, text, "version 2 is backward compatible with raw-clickstream-events-value version 1")
	_, err = schema("check", "registry:raw-clickstream-events-value@x", "compiled")
	require.ErrorContains(t, err, "a version is a number from 1, or latest")
	_, err = schema("check", "registry:nobody", "compiled")
	require.ErrorContains(t, err, "nobody")
	_, err = schema("check", "registry:nobody", "compiled", "--transitive")
	require.ErrorContains(t, err, "nothing to compare with")
	require.Contains(t, refuse(t, "schema", "list"), "--registry")
}

// TestFirstAndSecondVersion reads events of each version with code of the other, by every way of decoding there is.
func TestFirstAndSecondVersion(t *testing.T) {
	v1 := &first.ClickEvent{UserId: "ann", EventType: "view", EventTimestamp: 5, Properties: map[string]string{"a": "b"}}
	v2 := &pb.ClickEvent{UserId: "ann", EventType: "wishlist", EventTimestamp: 5, Properties: map[string]string{"campaign": "spring"}, Referrer: proto.String(""), ValueCents: proto.Int64(1999)}
	old, err := codec.Proto[*first.ClickEvent]().Append(nil, v1)
	require.NoError(t, err)
	next, err := codec.Proto[*pb.ClickEvent]().Append(nil, v2)
	require.NoError(t, err)
	for _, opts := range [][]codec.ProtoOption{nil, {codec.Aliased()}} {
		now, before := codec.Proto[*pb.ClickEvent](opts...), codec.Proto[*first.ClickEvent](opts...)
		require.Equal(t, opts != nil, now.Aliases() && before.Aliases())
		e, err := now.DecodeRecord(&source.Raw{Value: old})
		require.NoError(t, err)
		require.True(t, proto.Equal(&pb.ClickEvent{UserId: "ann", EventType: "view", EventTimestamp: 5, Properties: map[string]string{"a": "b"}}, e))
		require.Nil(t, e.Referrer)
		require.Zero(t, e.GetValueCents())

		f, err := before.DecodeRecord(&source.Raw{Value: next})
		require.NoError(t, err)
		require.Equal(t, "wishlist", f.GetEventType())
		for _, kept := range []*first.ClickEvent{f, before.Keep(f)} { // as state keeps it
			b, err := before.Append(nil, kept)
			require.NoError(t, err)
			back, err := now.Decode(b)
			require.NoError(t, err)
			require.True(t, proto.Equal(v2, back), "unknown fields went through: %v", back)
		}
		b, err := proto.Marshal(f)
		require.NoError(t, err)
		back := &pb.ClickEvent{}
		require.NoError(t, proto.Unmarshal(b, back))
		require.True(t, proto.Equal(v2, back))
	}
}

// publishMixed publishes clicks in turn as the first version and the second, plain and framed by the schema of the one or the other.
func publishMixed(t testing.TB, in string, brokers []string, args ...string) {
	t.Helper()
	p := &program{topic: defaultTopic}
	root := newRoot()
	run, _, err := root.Find([]string{"run"})
	require.NoError(t, err)
	require.NoError(t, run.ParseFlags(args))
	flag := func(name string) string { return run.Flags().Lookup(name).Value.String() }
	p.data, p.topic, p.registry = flag("data"), flag("topic"), registryOptions{url: flag("registry"), subjects: "topic"}
	client, own, err := p.openRegistry()
	require.NoError(t, err)
	defer func() { require.NoError(t, closeRegistry(client, own)) }()
	v1, err := protofile.ParseFile(t.Context(), protoV1)
	require.NoError(t, err)
	var headers [2][]byte
	for i, f := range []func() (int, error){
		func() (int, error) {
			s, err := client.Register(t.Context(), p.topic+"-value", v1)
			if err != nil {
				return 0, err
			}
			return s.ID, nil
		},
		func() (int, error) {
			s, err := client.Register(t.Context(), p.topic+"-value", pb.File_clickstream_v1_click_event_proto)
			if err != nil {
				return 0, err
			}
			return s.ID, nil
		},
	} {
		id, err := f()
		require.NoError(t, err)
		headers[i] = []byte{0, byte(id >> 24), byte(id >> 16), byte(id >> 8), byte(id), 0}
	}
	file, err := os.Open(in)
	require.NoError(t, err)
	defer file.Close()
	clicks, err := newClickReader(in, "", file)
	require.NoError(t, err)
	producer, err := kafka.NewProducer(brokers)
	require.NoError(t, err)
	defer func() { require.NoError(t, producer.Close()) }()
	plain := codec.Proto[*pb.ClickEvent]()
	for n := 0; ; n++ {
		click, err := clicks.next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		version := n % 2
		if version == 1 {
			click.Referrer, click.ValueCents = proto.String("https://search.example/"), proto.Int64(int64(n))
			click.Properties = map[string]string{"campaign": "spring"}
		}
		var value []byte
		if n/2%2 == 1 {
			value = append(value, headers[version]...)
		}
		value, err = plain.Append(value, click) // of a click without the new fields this is what the first version wrote
		require.NoError(t, err)
		require.NoError(t, producer.Send(t.Context(), p.topic, &kafka.Message{Key: []byte(click.GetUserId()), Value: value}))
	}
	require.NoError(t, producer.Flush(t.Context()))
}

// TestMixedTopicIsExact has the answers of the data come out of a topic with both versions, framed and plain.
func TestMixedTopicIsExact(t *testing.T) {
	data := t.TempDir()
	common := []string{"--data", data, "--registry", "embedded"}
	do(t, "topic", "create", "--data", data)
	p := &program{data: data}
	c, err := p.connect()
	require.NoError(t, err)
	publishMixed(t, filepath.Join(testdata, "ecom.jsonl.gz"), c.brokers, common...)
	require.NoError(t, c.Close())
	for _, gap := range []int{30, 15} {
		path := filepath.Join(data, fmt.Sprintf("s%d.csv", gap))
		messages := do(t, append([]string{"run", "--accept-plain", "--until-end", "--group", fmt.Sprint("g", gap), "--gap", fmt.Sprintf("%dm", gap), "--sink", "csv:" + path}, common...)...)
		require.Contains(t, messages, "reads all 2 versions of subject raw-clickstream-events-value in the embedded schema registry http://127.0.0.1:")
		same(t, wantSessions(t, fmt.Sprintf("ecom-sessions-%dm.csv.gz", gap)), csvSessions(t, path))
	}
}

func TestProduceAndRunThroughRegistry(t *testing.T) {
	data := t.TempDir()
	common := []string{"--data", data, "--registry", "embedded"}
	path := filepath.Join(data, "clicks.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(line("ann", 1, "view")+`{"user_id":"ann","event_type":"wishlist","event_timestamp":120000,"referrer":"","value_cents":"5"}`+"\n"), 0o644))
	messages := do(t, append([]string{"produce", "--in", path}, common...)...)
	require.Contains(t, messages, "The compiled clickstream.v1.ClickEvent is subject raw-clickstream-events-value version 1 (id 1) in the embedded schema registry")
	do(t, append([]string{"run", "--until-end"}, common...)...)
	require.Equal(t, [][]string{{"ann", "60000", "120000", "60000", "2", "0", "0", "0"}}, sqliteRows(t, filepath.Join(data, "clickstream.db"), sessionsTable))

	// What the compiled event would misread stops a run before its first record.
	breaking := edited(t, protoV2, "int64 event_timestamp = 5;", "string event_timestamp = 5;")
	_, err := says(t, "schema", "register", breaking, "--subject", "other-value", "--registry", "embedded", "--data", data)
	require.NoError(t, err)
	got := refuse(t, append([]string{"run", "--until-end", "--version", "o", "--topic", "other"}, common...)...)
	require.Contains(t, got, "event_timestamp = 5: string -> int64")
	require.Contains(t, got, "[FIELD_WIRE_COMPATIBLE_TYPE, backward]")
	require.Contains(t, got, "subject other-value version 1")
	require.NoDirExists(t, filepath.Join(data, "state", "sessions-o"))
	require.Contains(t, refuse(t, append([]string{"produce", "--in", path, "--topic", "other"}, common...)...), "incompatible schema")
	require.Contains(t, refuse(t, "run", "--data", data, "--accept-plain"), "use it with --registry")
	messages = do(t, append([]string{"run", "--until-end", "--version", "n", "--topic", "nothing"}, common...)...)
	require.Contains(t, messages, "Subject nothing-value of the embedded schema registry")
	require.Contains(t, messages, "has no version yet.")
}

// TestRegistryPasswordIsNotPrinted fails to connect, with a password in the URL.
func TestRegistryPasswordIsNotPrinted(t *testing.T) {
	data := t.TempDir()
	for _, url := range []string{"http://ann:s3cret@127.0.0.1:1", "http://ann:s3 cret@127.0.0.1"} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		messages, err := command(ctx, strings.NewReader(""), io.Discard, "run", "--data", data, "--registry", url)
		cancel()
		require.Error(t, err)
		require.NotContains(t, messages+err.Error(), "cret")
	}
}
