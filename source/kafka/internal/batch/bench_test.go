package batch

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// BenchmarkOpen is the time for a record of 150 bytes: checksum and index.
func BenchmarkOpen(b *testing.B) {
	value := strings.Repeat("x", 140)
	var records []kmsg.Record
	for i := range 3500 {
		records = append(records, kmsg.Record{OffsetDelta: int32(i), TimestampDelta64: int64(i), Value: []byte(value)})
	}
	raw := encoded(b, kmsg.RecordBatch{LastOffsetDelta: 3499}, codecNone, records)
	b.ReportAllocs()
	for n := 0; n < b.N; n += len(records) {
		batch, _, err := Read(raw)
		if err == nil {
			err = batch.Open()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
