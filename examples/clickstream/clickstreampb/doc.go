// Package clickstreampb is the clickstream example's schema: clickstream/v1/click_event.proto and the code made from it.
//
// The generated files carry fast paths (MarshalVT, UnmarshalVT, UnmarshalVTUnsafe and a message pool) beside the standard protobuf API.
package clickstreampb

//go:generate go run github.com/bufbuild/buf/cmd/buf@v1.75.0 generate
