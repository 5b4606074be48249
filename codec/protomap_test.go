package codec

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestMapOrderWithinMessages(t *testing.T) {
	inner := map[string]any{}
	for i := range 40 {
		inner[fmt.Sprint("k", i*7919%101)] = []any{map[string]any{"b": 1.0, "a": "x", "": nil}}
	}
	m, err := structpb.NewStruct(map[string]any{"z": inner, "y": map[string]any{"q": inner, "p": 1.0}, "a": true})
	require.NoError(t, err)
	s := shapeOf(m.ProtoReflect().Descriptor())
	require.NotNil(t, s.order)
	want, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	require.NoError(t, err)
	for range 10 {
		got, err := proto.Marshal(m)
		require.NoError(t, err)
		s.order.sort(got)
		require.Equal(t, want, got)
	}
}

func TestShapes(t *testing.T) {
	of := func(m protoreflect.ProtoMessage) shape { return shapeOf(m.ProtoReflect().Descriptor()) }
	require.Nil(t, of(&timestamppb.Timestamp{}).order)
	require.Nil(t, of(&descriptorpb.DescriptorProto{}).order, "a recursive type without maps")
	require.True(t, of(&descriptorpb.DescriptorProto{}).proto2)
	require.True(t, of(&descriptorpb.UninterpretedOption{}).bytes)
}

func FuzzMapOrder(f *testing.F) {
	m, _ := structpb.NewStruct(map[string]any{"z": map[string]any{"b": 1.0, "a": 2.0}, "y": "x"})
	b, _ := proto.Marshal(m)
	f.Add(b)
	order := shapeOf(m.ProtoReflect().Descriptor()).order
	f.Fuzz(func(t *testing.T, b []byte) {
		before := slices.Clone(b)
		order.sort(b)
		once := slices.Clone(b)
		order.sort(b)
		require.Equal(t, once, b, "sorting twice is sorting once")
		slices.Sort(before)
		slices.Sort(b)
		require.Equal(t, before, b, "bytes only move")
	})
}
