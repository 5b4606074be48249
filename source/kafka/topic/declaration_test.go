package topic

import (
	"testing"
	"time"
)

// Whatever is declared of a topic, it is refused, or its settings are those of a topic that keeps what it was declared to keep.
func FuzzSpec(f *testing.F) {
	f.Add("clicks", int32(4), int16(1), int64(Forever), int64(0), int16(0), int64(-1), "", "")
	f.Add("clicks", int32(4), int16(3), int64(7*24*time.Hour), int64(1<<30), int16(2), int64(time.Hour), "max.message.bytes", "1000")
	f.Add("", int32(-1), int16(-1), int64(-2), int64(-1), int16(-1), int64(-2), "retention.ms", "5")
	f.Fuzz(func(t *testing.T, name string, partitions int32, replication int16, retention, size int64, inSync int16, local int64, key, value string) {
		s := Spec{Name: name, Partitions: partitions, Replication: replication, Retention: time.Duration(retention), RetentionBytes: size, MinInSync: inSync}
		if local >= 0 {
			s.Tiered = &Tiered{LocalRetention: time.Duration(local)}
		}
		if key != "" {
			s.Configs = map[string]string{key: value}
		}
		if err := s.validate(); err != nil {
			if err.Error() == "" {
				t.Error("it says nothing")
			}
			return
		}
		set := s.settings()
		switch {
		case name == "" || partitions < 0 || replication < 0 || inSync < 0 || size < 0:
			t.Errorf("%+v was taken", s)
		case s.Retention == 0:
		case s.Retention == Forever && set[retentionMs] != "-1", s.Retention > 0 && set[retentionMs] != ms(s.Retention):
			t.Errorf("%+v has %s %s", s, retentionMs, set[retentionMs])
		case set[cleanupPolicy] != "delete":
			t.Errorf("%+v has %s %s", s, cleanupPolicy, set[cleanupPolicy])
		}
	})
}
