package codec_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
)

func BenchmarkProto(b *testing.B) {
	safe, aliased := codec.Proto[*clickstreampb.ClickEvent](), codec.Proto[*clickstreampb.ClickEvent](codec.Aliased())
	enc, err := safe.Append(nil, click())
	if err != nil {
		b.Fatal(err)
	}
	raw := &source.Raw{Value: enc}
	m := must(aliased.DecodeRecord(raw))
	b.Run("decode=google", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = must(new(clickstreampb.ClickEvent), proto.Unmarshal(enc, new(clickstreampb.ClickEvent)))
		}
	})
	b.Run("decode=vt-direct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v := new(clickstreampb.ClickEvent)
			_ = must(v, v.UnmarshalVT(enc))
		}
	})
	b.Run("decode=safe", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = must(safe.DecodeRecord(raw))
		}
	})
	b.Run("decode=aliased-direct", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			v := new(clickstreampb.ClickEvent)
			_ = must(v, v.UnmarshalVTUnsafe(enc))
		}
	})
	b.Run("decode=aliased", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = must(aliased.DecodeRecord(raw))
		}
	})
	b.Run("keep", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = aliased.Keep(m)
		}
	})
	buf := make([]byte, 0, 1024)
	b.Run("append=google-deterministic", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = must(proto.MarshalOptions{Deterministic: true}.MarshalAppend(buf, m))
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = must(safe.Append(buf, m))
		}
	})
}
