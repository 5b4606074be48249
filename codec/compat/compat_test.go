package compat_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/millrace/millrace/codec/compat"
	"github.com/millrace/millrace/codec/compat/protofile"
)

func parse(t testing.TB, text string) protoreflect.FileDescriptor {
	t.Helper()
	if !strings.Contains(text, "syntax") && !strings.Contains(text, "edition") {
		text = `syntax = "proto3"; package shop.v1;` + text
	}
	f, err := protofile.Parse(t.Context(), "order.proto", text, nil)
	require.NoError(t, err)
	return f
}

// fields is a message with the given fields, and something for them to refer to.
func fields(text string) string {
	return "message Order {" + text + "} message Item { string name = 1; } message Thing { string name = 1; string colour = 2; } message Other { int64 name = 1; }" +
		" enum Kind { NONE = 0; BIG = 1; }"
}

// proto2 is the same in proto2.
func proto2(text string) string {
	return `syntax = "proto2"; package shop.v1; message Order {` + text + "} enum Kind { NONE = 0; BIG = 1; }"
}

func brief(found []compat.Finding) string {
	var rules []string
	for _, f := range found {
		name := f.Message
		if f.Field != "" {
			name += "." + f.Field
		}
		rules = append(rules, fmt.Sprintf("%s %s %s %s", f.Rule, strings.TrimPrefix(name, "shop.v1."), f.Mode, f.Category))
	}
	return strings.Join(rules, "\n")
}

// TestFiles has one change a line and all that is found in it, in full mode.
func TestFiles(t *testing.T) {
	for _, c := range []struct{ name, older, newer, want string }{
		{"nothing", fields("string id = 1;"), fields("string id = 1;"), ""},
		{"added field", fields("string id = 1;"), fields("string id = 1; optional string note = 2; map<string, int64> counts = 3;"), ""},
		{"deleted", fields("string id = 1; int64 n = 2;"), fields("string id = 1;"), "FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED Order.n full WIRE"},
		{"deleted, number reserved", fields("int64 n = 2;"), fields("reserved 2;"), "FIELD_NO_DELETE_UNLESS_NAME_RESERVED Order.n full WIRE_JSON"},
		{"deleted, reserved", fields("int64 n = 2;"), fields(`reserved 1 to 5; reserved "n";`), ""},
		{"moved", fields("int64 n = 2;"), fields(`reserved 2; int64 n = 3;`), "FIELD_SAME_NUMBER Order.n full WIRE"},
		{"renamed", fields("int64 n = 2;"), fields("int64 count = 2;"), "FIELD_SAME_NAME Order.n full WIRE_JSON\nFIELD_SAME_JSON_NAME Order.n full WIRE_JSON"},
		{"renamed, JSON kept", fields("int64 n = 2;"), fields(`int64 count = 2 [json_name = "n"];`), "FIELD_SAME_NAME Order.n full WIRE_JSON"},
		{"JSON renamed", fields("int64 n = 2;"), fields(`int64 n = 2 [json_name = "N"];`), "FIELD_SAME_JSON_NAME Order.n full WIRE_JSON"},
		{"number used again", fields("int64 n = 2;"), fields("string city = 2;"),
			"FIELD_WIRE_COMPATIBLE_TYPE Order.n full WIRE\nFIELD_SAME_NAME Order.n full WIRE_JSON\nFIELD_SAME_JSON_NAME Order.n full WIRE_JSON"},
		{"reserved number used", fields("reserved 2;"), fields("string city = 2;"), "RESERVED_MESSAGE_NO_DELETE Order.city full WIRE"},
		{"reservation deleted", fields("reserved 2 to 9; reserved \"n\";"), fields("reserved 2 to 4, 6 to max;"), "RESERVED_MESSAGE_NO_DELETE Order full WIRE\nRESERVED_MESSAGE_NO_DELETE Order full WIRE_JSON"},
		{"reservation grown", fields("reserved 2, 3;"), fields("reserved 1 to 2, 3 to 9;"), ""},

		{"to repeated", fields("string tag = 1; int32 n = 2; Item item = 3;"), fields("repeated string tag = 1; repeated int32 n = 2; repeated Item item = 3;"),
			"FIELD_WIRE_COMPATIBLE_CARDINALITY Order.tag forward WIRE\nFIELD_WIRE_COMPATIBLE_CARDINALITY Order.n forward WIRE\nFIELD_WIRE_COMPATIBLE_CARDINALITY Order.item forward WIRE"},
		{"map to entries", fields("map<string, int32> m = 1;"), fields("message E { string key = 1; int32 value = 2; } repeated E m = 1;"), "FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY Order.m full WIRE_JSON"},
		{"map to other entries", fields("map<string, int32> m = 1;"), fields("message E { int64 key = 1; int32 value = 2; } repeated E m = 1;"),
			"FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY Order.m full WIRE_JSON\nFIELD_WIRE_COMPATIBLE_TYPE Order.MEntry.key full WIRE"},
		{"map value", fields("map<string, string> m = 1;"), fields("map<string, int64> m = 1;"), "FIELD_WIRE_COMPATIBLE_TYPE Order.m[value] full WIRE"},
		{"map key", fields("map<string, string> m = 1;"), fields("map<int32, string> m = 1;"), "FIELD_WIRE_COMPATIBLE_TYPE Order.m[key] full WIRE"},
		{"map of messages", fields("map<string, Item> m = 1;"), fields("map<string, Thing> m = 1;"), ""},
		{"map of other messages", fields("map<string, Item> m = 1;"), fields("map<string, Other> m = 1;"), "FIELD_WIRE_COMPATIBLE_TYPE Item.name full WIRE"},

		{"presence", fields("int64 n = 2;"), fields("optional int64 n = 2;"), ""},
		{"another message alike", fields("Item i = 1;"), fields("Thing i = 1;"), ""},
		{"another message", fields("Item i = 1;"), fields("Other i = 1;"), "FIELD_WIRE_COMPATIBLE_TYPE Item.name full WIRE"},
		{"one into a new oneof", fields("string a = 1;"), fields("oneof o { string a = 1; string b = 2; }"), ""},
		{"two into a oneof", fields("string a = 1; string b = 2;"), fields("oneof o { string a = 1; string b = 2; }"), "FIELD_SAME_ONEOF Order.b backward WIRE"},
		{"into an old oneof", fields("oneof o { string a = 1; } string b = 2;"), fields("oneof o { string a = 1; string b = 2; }"), "FIELD_SAME_ONEOF Order.b backward WIRE"},
		{"out of a oneof", fields("oneof o { string a = 1; string b = 2; }"), fields("string a = 1; string b = 2;"), "FIELD_SAME_ONEOF Order.b forward WIRE"},
		{"from one oneof to another", fields("oneof o { string a = 1; string b = 2; } oneof p { string c = 3; }"), fields("oneof o { string a = 1; } oneof p { string b = 2; string c = 3; }"),
			"FIELD_SAME_ONEOF Order.c backward WIRE\nFIELD_SAME_ONEOF Order.b forward WIRE"},
		{"oneof renamed", fields("oneof o { string a = 1; string b = 2; }"), fields("oneof p { string a = 1; string b = 2; }"), ""},

		{"required added", proto2("optional string a = 1;"), proto2("optional string a = 1; required string b = 2;"), "MESSAGE_SAME_REQUIRED_FIELDS Order.b backward WIRE"},
		{"required deleted", proto2("required string a = 1;"), proto2(`reserved 1; reserved "a";`), "MESSAGE_SAME_REQUIRED_FIELDS Order.a forward WIRE"},
		{"made required", proto2("optional string a = 1;"), proto2("required string a = 1;"), "MESSAGE_SAME_REQUIRED_FIELDS Order.a backward WIRE"},
		{"made optional", proto2("required string a = 1;"), proto2("optional string a = 1;"), "MESSAGE_SAME_REQUIRED_FIELDS Order.a forward WIRE"},
		{"default", proto2("optional int32 a = 1 [default = 5];"), proto2("optional int32 a = 1;"), "FIELD_SAME_DEFAULT Order.a full WIRE"},
		{"default of enum", proto2("optional Kind a = 1 [default = BIG];"), proto2("optional Kind a = 1;"), "FIELD_SAME_DEFAULT Order.a full WIRE"},
		{"group", proto2("optional group G = 1 { optional int32 a = 1; }"), proto2("message G { optional int32 a = 1; } optional G g = 1;"), "FIELD_WIRE_COMPATIBLE_TYPE Order.g full WIRE"},
		{"closed enum", `syntax = "proto2"; package shop.v1; enum K { A = 0; }`, `syntax = "proto2"; package shop.v1; enum K { A = 0; B = 1; }`, "ENUM_VALUE_KNOWN_TO_CLOSED K.B forward WIRE"},
		{"enum opened", `syntax = "proto2"; package shop.v1; enum K { A = 0; }`, `enum K { A = 0; }`, "ENUM_SAME_TYPE K full WIRE"},
		{"required by edition", `edition = "2023"; package shop.v1; message M { string a = 1; }`,
			`edition = "2023"; package shop.v1; message M { string a = 1 [features.field_presence = LEGACY_REQUIRED]; }`, "MESSAGE_SAME_REQUIRED_FIELDS M.a backward WIRE"},

		{"enum value added", "enum K { A = 0; }", "enum K { A = 0; B = 1; }", ""},
		{"enum value deleted", "enum K { A = 0; B = 1; }", "enum K { A = 0; }", "ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED K.B full WIRE"},
		{"enum value reserved", "enum K { A = 0; B = 1; }", "enum K { A = 0; reserved 1; }", "ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED K.B full WIRE_JSON"},
		{"enum value renamed", "enum K { A = 0; B = 1; }", "enum K { A = 0; C = 1; }", "ENUM_VALUE_SAME_NAME K.B full WIRE_JSON"},
		{"enum value alias", "enum K { A = 0; B = 1; }", "enum K { option allow_alias = true; A = 0; C = 1; B = 1; }", ""},
		{"enum number used again", "enum K { A = 0; reserved 1; }", "enum K { A = 0; C = 1; }", "RESERVED_ENUM_NO_DELETE K.C full WIRE"},
		{"enum reservation deleted", "enum K { A = 0; reserved 1 to 3; }", "enum K { A = 0; reserved 1; }", "RESERVED_ENUM_NO_DELETE K full WIRE"},
		{"enum deleted", "enum K { A = 0; }", "", "ENUM_NO_DELETE K full WIRE"},
		{"enum to int", fields("Kind k = 1;"), fields("int32 k = 1;"), "FIELD_WIRE_JSON_COMPATIBLE_TYPE Order.k full WIRE_JSON"},
		{"enum to bool", fields("Kind k = 1;"), fields("bool k = 1;"), "FIELD_WIRE_COMPATIBLE_TYPE Order.k full WIRE"},

		{"message deleted", "message A { string x = 1; } message B { string x = 1; }", "message A { string x = 1; }", "MESSAGE_NO_DELETE B full WIRE"},
		{"message renamed", "message A { string x = 1; int32 y = 2; }", "message B { string x = 1; int32 y = 2; string z = 3; }", "MESSAGE_NO_DELETE A full WIRE"},
		{"nested message", "message A { message B { int32 x = 1; } }", "message A { message B { string x = 1; } }", "FIELD_WIRE_COMPATIBLE_TYPE A.B.x full WIRE"},
		{"package renamed", `syntax = "proto3"; package shop.v1; message A { int32 x = 1; }`, `syntax = "proto3"; package shop.v2; message A { string x = 1; }`,
			"FILE_SAME_PACKAGE shop.v1 full WIRE\nFIELD_WIRE_COMPATIBLE_TYPE A.x full WIRE"},
		{"recursive", "message A { A a = 1; int32 x = 2; }", "message A { A a = 1; string x = 2; }", "FIELD_WIRE_COMPATIBLE_TYPE A.x full WIRE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := compat.Check{Mode: compat.Full}.Files(parse(t, c.older), parse(t, c.newer))
			require.Equal(t, c.want, brief(found), compat.Lines(found))
		})
	}
}

// TestTypes holds for each pair of kinds what the language guide says, by an independent list of groups.
func TestTypes(t *testing.T) {
	groups := []string{"int32 int64 uint32 uint64 bool", "int32 int64 uint32 uint64 Kind", "sint32 sint64", "fixed32 sfixed32", "fixed64 sfixed64", "string", "bytes", "float", "double", "Item"}
	readAs := map[string]string{"string": "bytes", "Item": "bytes"} // one way
	kinds := strings.Fields("int32 int64 uint32 uint64 bool Kind sint32 sint64 fixed32 sfixed32 fixed64 sfixed64 string bytes float double Item")
	for _, from := range kinds {
		for _, to := range kinds {
			want := from == to || readAs[from] == to
			for _, g := range groups {
				want = want || strings.Contains(" "+g+" ", " "+from+" ") && strings.Contains(" "+g+" ", " "+to+" ")
			}
			older, newer := parse(t, fields(from+" x = 1;")), parse(t, fields(to+" x = 1;"))
			found := compat.Check{Rules: compat.Wire}.Files(older, newer)
			require.Equal(t, want, len(found) == 0, "%s read as %s: %v", from, to, found)
			forward := compat.Check{Mode: compat.Forward, Rules: compat.Wire}.Files(newer, older)
			require.Equal(t, want, len(forward) == 0, "forward: %s read as %s: %v", from, to, forward)
			reads := compat.Reads(newer.Messages().ByName("Order"), older.Messages().ByName("Order"))
			require.Equal(t, want, len(reads) == 0)
			if !want {
				require.Equal(t, []compat.Finding{{
					Rule: "FIELD_WIRE_COMPATIBLE_TYPE", Category: compat.Wire, Message: "shop.v1.Order", Field: "x", Number: 1, Old: from, New: to, Why: found[0].Why,
				}}, found)
			}
		}
	}
}

// TestReadableIsRead encodes a value of each kind and decodes it as each kind that reads it, by the protobuf library.
func TestReadableIsRead(t *testing.T) {
	kinds := strings.Fields("int32 int64 uint32 uint64 bool Kind sint32 sint64 fixed32 sfixed32 fixed64 sfixed64 string bytes float double Item")
	for _, from := range kinds {
		for _, to := range kinds {
			for _, label := range []string{"", "repeated "} {
				writer, reader := parse(t, fields(from+" x = 1;")).Messages().ByName("Order"), parse(t, fields(label+to+" x = 1;")).Messages().ByName("Order")
				if len(compat.Reads(reader, writer)) > 0 {
					continue
				}
				written, read := dynamicpb.NewMessage(writer), dynamicpb.NewMessage(reader)
				written.Set(writer.Fields().Get(0), valueOf(writer.Fields().Get(0)))
				b, err := proto.Marshal(written)
				require.NoError(t, err)
				require.NoError(t, proto.Unmarshal(b, read))
				f := reader.Fields().Get(0)
				got := read.Get(f)
				if f.IsList() {
					require.Equal(t, 1, got.List().Len(), "%s read as %s%s", from, label, to)
					got = got.List().Get(0)
				}
				want := valueOf(f)
				if to == "bytes" { // of a string, or of an encoded message
					want = protoreflect.ValueOfBytes(b[2:])
				}
				require.Empty(t, read.GetUnknown())
				require.True(t, got.Equal(want), "%s read as %s%s: %v, not %v", from, label, to, got, want)
			}
		}
	}
}

// valueOf is one of a field's values, not its zero.
func valueOf(f protoreflect.FieldDescriptor) protoreflect.Value {
	switch f.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.EnumKind:
		return protoreflect.ValueOfEnum(1)
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(1)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(1)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(1)
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(1)
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(1)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(1)
	case protoreflect.StringKind:
		return protoreflect.ValueOfString("a")
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes([]byte("a"))
	}
	m := dynamicpb.NewMessage(f.Message())
	m.Set(f.Message().Fields().Get(0), protoreflect.ValueOfString("a"))
	return protoreflect.ValueOfMessage(m)
}

func TestJSONFormOfTypes(t *testing.T) {
	for _, c := range []struct {
		from, to string
		same     bool
	}{{"int32", "uint32", true}, {"int64", "uint64", true}, {"int32", "int64", false}, {"bool", "int32", false}, {"string", "bytes", false}, {"fixed32", "sfixed32", true}, {"sint32", "sint64", false}} {
		found := compat.Check{}.Files(parse(t, fields(c.from+" x = 1;")), parse(t, fields(c.to+" x = 1;")))
		if c.same {
			require.Empty(t, found)
			continue
		}
		require.Equal(t, "FIELD_WIRE_JSON_COMPATIBLE_TYPE Order.x backward WIRE_JSON", brief(found))
	}
}

// TestReadsLooksAtBytesAlone reads newer data with older code: what it does not know is not a deletion.
func TestReadsLooksAtBytesAlone(t *testing.T) {
	older := parse(t, fields("string id = 1; int64 n = 2;")).Messages().ByName("Order")
	newer := parse(t, fields(`string id = 1; int64 count = 2; string note = 3; Kind kind = 4;`)).Messages().ByName("Order")
	require.Empty(t, compat.Reads(older, newer))
	require.Empty(t, compat.Reads(newer, older))
	changed := parse(t, fields("string id = 1; string n = 2;")).Messages().ByName("Order")
	require.Equal(t, "shop.v1.Order.n = 2: int64 -> string: the bytes of one are not read as the other: they are dropped, refused, or taken for something else [FIELD_WIRE_COMPATIBLE_TYPE, backward]",
		compat.Lines(compat.Reads(changed, older)))
}

func TestAllIsTransitive(t *testing.T) {
	v1, v2, v3 := parse(t, fields("int64 n = 2;")), parse(t, fields(`reserved 2; reserved "n";`)), parse(t, fields(`string city = 2;`))
	require.Empty(t, compat.Check{}.Files(v1, v2))
	found := compat.Check{}.All([]compat.Version{{"version 1", v1}, {"version 2", v2}}, v3)
	require.Equal(t, []string{"version 1", "version 1", "version 1", "version 2", "version 2"}, against(found))
	require.Contains(t, compat.Lines(found), "version 1: shop.v1.Order.n = 2: int64 -> string: the number is used again for another field: take a new number, and reserve this one [FIELD_WIRE_COMPATIBLE_TYPE, backward]")
}

func against(found []compat.Finding) (names []string) {
	for _, f := range found {
		names = append(names, f.Against)
	}
	return names
}

func TestModes(t *testing.T) {
	for _, m := range []compat.Mode{compat.Backward, compat.Forward, compat.Full} {
		got, err := compat.ParseMode(m.String())
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
	_, err := compat.ParseMode("sideways")
	require.EqualError(t, err, `compatibility "sideways": use backward, forward or full`)
	require.Equal(t, "mode 9", compat.Mode(9).String())
}

func TestParseFileFindsImports(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "shop", "v1"), 0o755))
	write := func(name, text string) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	write("shop/v1/item.proto", `syntax = "proto3"; package shop.v1; message Item { int32 n = 1; }`)
	path := write("shop/v1/order.proto", `syntax = "proto3"; package shop.v1; import "shop/v1/item.proto"; import "google/protobuf/timestamp.proto"; message Order { Item item = 1; google.protobuf.Timestamp at = 2; }`)
	f, err := protofile.ParseFile(t.Context(), path)
	require.NoError(t, err)
	require.Equal(t, "shop.v1.Item", string(f.Messages().Get(0).Fields().Get(0).Message().FullName()))

	// A change in what is imported is a change of what imports it.
	g, err := protofile.Parse(t.Context(), "order.proto", `syntax = "proto3"; package shop.v1; import "item.proto"; import "google/protobuf/timestamp.proto"; message Order { Item item = 1; google.protobuf.Timestamp at = 2; }`,
		map[string]string{"item.proto": `syntax = "proto3"; package shop.v1; message Item { string n = 1; }`})
	require.NoError(t, err)
	require.Equal(t, "FIELD_WIRE_COMPATIBLE_TYPE Item.n backward WIRE", brief(compat.Check{}.Files(f, g)))

	_, err = protofile.ParseFile(t.Context(), filepath.Join(dir, "none.proto"))
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = protofile.ParseFile(t.Context(), write("bad.proto", "syntax = \"proto3\";\nmessage Order { strin id = 1; }"))
	require.ErrorContains(t, err, "bad.proto:2:17")
	_, err = protofile.ParseFile(t.Context(), write("out.proto", `syntax = "proto3"; import "../../etc/passwd";`))
	require.ErrorContains(t, err, "../../etc/passwd")
}
