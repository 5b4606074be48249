//go:build integration

package registry_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/sr"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/compat/protofile"
	"github.com/millrace/millrace/codec/registry"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb/first"
	"github.com/millrace/millrace/internal/testservers/ondemand"
	"github.com/millrace/millrace/source"
)

// realClient is a client of a real registry, and a topic that no other test has.
func realClient(t *testing.T, opts ...registry.Option) (c *registry.Client, topic string) {
	t.Helper()
	return client(t, ondemand.Need(t, "registry")["url"], opts...), fmt.Sprintf("clicks-%d", time.Now().UnixNano())
}

// setLevel sets the compatibility that a subject's versions must have.
func setLevel(t *testing.T, subject string, level sr.CompatibilityLevel) {
	t.Helper()
	cl, err := sr.NewClient(sr.URLs(ondemand.Need(t, "registry")["url"]))
	require.NoError(t, err)
	for _, r := range cl.SetCompatibility(t.Context(), sr.SetCompatibility{Level: level}, subject) {
		require.NoError(t, r.Err)
	}
}

func TestRealRoundTrip(t *testing.T) {
	for _, name := range []string{"topic", "record", "topic-record"} {
		strategy, err := registry.ParseStrategy(name)
		require.NoError(t, err)
		c, topic := realClient(t, registry.Subjects(strategy))
		enc, dec := registry.NewEncoder(c, codec.Proto[clicks](), topic), registry.NewDecoder(c, codec.Proto[clicks](codec.Aliased()))
		one, err := enc.Prepare(t.Context())
		require.NoError(t, err)
		two, err := registry.NewEncoder(c, codec.Proto[clicks](), topic).Prepare(t.Context())
		require.NoError(t, err)
		require.Equal(t, one.String(), two.String(), "registering again changes nothing")
		b, err := enc.Append(nil, click("ann"))
		require.NoError(t, err)
		v, err := decode(dec, b)
		require.NoError(t, err)
		require.True(t, proto.Equal(click("ann"), v))
		versions, err := dec.Check(t.Context(), topic)
		require.NoError(t, err)
		require.Len(t, versions, 1)
		subjects, err := c.AllSubjects(t.Context())
		require.NoError(t, err)
		require.Contains(t, subjects, one.Subject)
		_, err = decode(dec, framed(t, 1<<30, click("ann")))
		require.ErrorIs(t, err, registry.ErrNotFound)
	}
}

// TestRealEvolution goes from the first version of the event to the second, and tries one that would break readers.
func TestRealEvolution(t *testing.T) {
	c, topic := realClient(t)
	subject := topic + "-value"
	v1, err := protofile.ParseFile(t.Context(), "../../examples/clickstream/clickstreampb/testdata/click_event_v1.proto")
	require.NoError(t, err)
	registered, err := c.Register(t.Context(), subject, v1)
	require.NoError(t, err)
	setLevel(t, subject, sr.CompatBackward)
	old, err := codec.Proto[*first.ClickEvent]().Append(registry.Header{ID: int32(registered.ID)}.Append(nil), &first.ClickEvent{UserId: "ann", EventTimestamp: 5})
	require.NoError(t, err)
	enc := registry.NewEncoder(c, codec.Proto[clicks](), topic)
	second, err := enc.Prepare(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2, second.Version)
	next, err := enc.Append(nil, &clickstreampb.ClickEvent{UserId: "bob", ValueCents: proto.Int64(7)})
	require.NoError(t, err)

	dec := registry.NewDecoder(c, codec.Proto[clicks]())
	versions, err := dec.Check(t.Context(), topic)
	require.NoError(t, err)
	require.Len(t, versions, 2)
	for user, b := range map[string][]byte{"ann": old, "bob": next} {
		v, err := decode(dec, b)
		require.NoError(t, err)
		require.Equal(t, user, v.GetUserId())
	}
	before := registry.NewDecoder(c, codec.Proto[*first.ClickEvent](), registry.AlsoNamed("clickstream.v1.ClickEvent"))
	_, err = before.Check(t.Context(), topic)
	require.NoError(t, err)
	v, err := before.DecodeRecord(&source.Raw{Value: next})
	require.NoError(t, err)
	require.Equal(t, "bob", v.GetUserId())

	_, err = c.Register(t.Context(), subject, clickSchema(t, func(s string) string { return strings.Replace(s, "int64 event_timestamp", "string event_timestamp", 1) }))
	require.ErrorIs(t, err, registry.ErrIncompatible)
	var answer *sr.ResponseError
	require.ErrorAs(t, err, &answer)
	require.Equal(t, 409, answer.StatusCode)
	require.ErrorContains(t, err, "clickstream.v1.ClickEvent.event_timestamp = 5: int64 -> string")
}

func TestRealReferencesAndIndexes(t *testing.T) {
	c, topic := realClient(t)
	path := topic + "/item.proto"
	text := fmt.Sprintf(`syntax = "proto3"; package shop; import %q; import "google/protobuf/timestamp.proto"; message Order { Item item = 1; google.protobuf.Timestamp at = 2; }`, path)
	f, err := protofile.Parse(t.Context(), "order.proto", text, map[string]string{path: `syntax = "proto3"; package shop; message Item { int64 cents = 1; }`})
	require.NoError(t, err)
	registered, err := c.Register(t.Context(), topic+"-value", f)
	require.NoError(t, err)
	read, err := client(t, ondemand.Need(t, "registry")["url"]).Schema(t.Context(), registered.ID)
	require.NoError(t, err)
	require.Equal(t, "shop.Item", string(read.File.Messages().ByName("Order").Fields().ByName("item").Message().FullName()))

	list, err := structpb.NewList([]any{1.0, "a"})
	require.NoError(t, err)
	h, _, err := registry.Split(roundTrip(t, c, codec.Proto[*structpb.ListValue](), list))
	require.NoError(t, err)
	require.Equal(t, []int{2}, h.Path)
}

// TestRealDeletedVersionsCount looks for versions that are only marked as deleted: records may still name them.
func TestRealDeletedVersionsCount(t *testing.T) {
	c, topic := realClient(t)
	subject := topic + "-value"
	bad, err := c.Register(t.Context(), subject, clickSchema(t, func(s string) string { return strings.Replace(s, "int64 event_timestamp", "string event_timestamp", 1) }))
	require.NoError(t, err)
	setLevel(t, subject, sr.CompatNone)
	_, err = registry.NewEncoder(c, codec.Proto[clicks](), topic).Prepare(t.Context())
	require.NoError(t, err)
	cl, err := sr.NewClient(sr.URLs(ondemand.Need(t, "registry")["url"]))
	require.NoError(t, err)
	require.NoError(t, cl.DeleteSchema(context.Background(), subject, bad.Version, sr.SoftDelete))
	live, err := c.Versions(t.Context(), subject, false)
	require.NoError(t, err)
	require.Len(t, live, 1)
	_, err = registry.NewDecoder(c, codec.Proto[clicks]()).Check(t.Context(), topic)
	require.ErrorIs(t, err, registry.ErrIncompatible)
}
