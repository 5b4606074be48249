package compat_test

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/codec/compat"
	"github.com/millrace/millrace/codec/compat/protofile"
)

func ExampleCheck_Files() {
	ctx := context.Background()
	older, err := protofile.Parse(ctx, "click.proto", `syntax = "proto3"; package shop.v1; message Click { string user = 1; int64 at = 2; string page = 3; }`, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	newer, err := protofile.Parse(ctx, "click.proto", `syntax = "proto3"; package shop.v1; message Click { string user = 1; string at = 2; }`, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range (compat.Check{Mode: compat.Full}).Files(older, newer) {
		fmt.Println(f.Rule, f.Mode, f.Field, f.Number, f.Old, f.New)
	}
	// Output:
	// FIELD_WIRE_COMPATIBLE_TYPE full at 2 int64 string
	// FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED full page 3 string
}
