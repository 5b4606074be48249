package registry_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/apipb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/typepb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"google.golang.org/protobuf/types/pluginpb"

	"github.com/millrace/millrace/codec/compat/protofile"
	"github.com/millrace/millrace/codec/registry"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
)

const everything = `syntax = "proto2";
package shop.google.v1;
import public "google/protobuf/timestamp.proto";
import "google/protobuf/descriptor.proto";
option java_package = "shop \"v1\"";
option optimize_for = CODE_SIZE;
message Rule { optional string text = 1; repeated int32 numbers = 2; optional Rule inner = 3; optional bytes raw = 4; extensions 100 to max; }
extend Rule { optional float weight = 100; }
extend .google.protobuf.FieldOptions { optional Rule rule = 50001; repeated string tags = 50002; optional Kind sort = 50003; }
enum Kind { option allow_alias = true; NONE = 0; BIG = 1 [deprecated = true]; LARGE = 1; reserved 5 to 7, 9; reserved 100 to max; reserved "SMALL"; }
message Order {
  option deprecated = true;
  required string id = 1 [default = "a \"b\"\n", json_name = "ID"];
  optional bytes raw = 2 [default = "\001\377"];
  optional double price = 3 [default = inf];
  optional int64 total_cents = 4 [default = -5, (rule) = { text: "two  spaces", numbers: 1, numbers: 2, inner: { raw: "\001" }, [shop.google.v1.weight]: 1.5 }, (tags) = "a", (tags) = "b", (sort) = BIG];
  optional Kind kind = 5 [default = BIG];
  repeated int32 packed_numbers = 6 [packed = true];
  optional group Part = 7 { optional int32 n = 1; message Deep { optional string x = 1; } optional Deep deep = 2; }
  map<string, Item> items_by_name = 8;
  oneof choice { string a = 9; int32 b = 10; Item c = 11; }
  optional .google.protobuf.Timestamp at = 12;
  message Item { optional Order order = 1; enum State { OPEN = 0; } optional State state = 2; }
  message Kind2 { message Order { optional string hidden = 1; } optional .shop.google.v1.Order outer = 1; optional Order inner = 2; }
  repeated Item item = 13;
  extensions 1000 to 1999;
  reserved 20, 30 to 40;
  reserved "old", "older";
  extend Rule { optional Item item_rule = 101; }
}
service Orders { rpc Get(Order) returns (stream Order.Item); rpc Put(stream Order) returns (Order) { option deprecated = true; } }
`

const proto3Text = `syntax = "proto3";
message Nothing {}
message M { optional string a = 1; string b = 2; repeated int32 c = 3 [packed = false]; map<int32, M> m_x_2 = 4; oneof o { M d = 5; } Nothing n = 6; optional bool e = 7; }
`

const editions = `edition = "2023";
package shop;
option features.field_presence = IMPLICIT;
message M { string a = 1 [features.field_presence = LEGACY_REQUIRED]; M d = 2 [features.message_encoding = DELIMITED]; reserved gone; reserved 9; }
enum E { option features.enum_type = CLOSED; A = 1; }
`

// TestTextCompilesToTheSame prints files, compiles that, and compares the descriptors.
func TestTextCompilesToTheSame(t *testing.T) {
	files := []protoreflect.FileDescriptor{
		descriptorpb.File_google_protobuf_descriptor_proto, anypb.File_google_protobuf_any_proto, structpb.File_google_protobuf_struct_proto, apipb.File_google_protobuf_api_proto,
		typepb.File_google_protobuf_type_proto, wrapperspb.File_google_protobuf_wrappers_proto, pluginpb.File_google_protobuf_compiler_plugin_proto,
		clickstreampb.File_clickstream_v1_click_event_proto,
	}
	for _, text := range []string{everything, proto3Text, editions} {
		f, err := protofile.Parse(t.Context(), "shop.proto", text, nil)
		require.NoError(t, err)
		files = append(files, f)
	}
	for _, f := range files {
		text := registry.Text(f)
		g, err := protofile.Parse(t.Context(), f.Path(), text, nil)
		require.NoError(t, err, text)
		require.Equal(t, text, registry.Text(g))
		want, got := normal(f), normal(g)
		require.True(t, proto.Equal(want, got), "%s\nwant %v\ngot  %v", text, want, got)
	}
}

// normal is a descriptor without what compilers leave to others.
func normal(f protoreflect.FileDescriptor) *descriptorpb.FileDescriptorProto {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(protodesc.ToFileDescriptorProto(f))
	if err != nil {
		panic(err)
	}
	d := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal(b, d); err != nil { // options by unknown fields or known, all the same
		panic(err)
	}
	d.SourceCodeInfo = nil
	for _, m := range d.GetMessageType() {
		slices.SortFunc(m.NestedType, func(a, b *descriptorpb.DescriptorProto) int { return strings.Compare(a.GetName(), b.GetName()) })
	}
	return d
}
