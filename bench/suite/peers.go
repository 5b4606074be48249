package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// flink is the session job on Apache Flink, in one JVM.
func flink(name string, thousand int, args ...string) variant {
	return variant{name: name, run: func(ctx context.Context, b *bench) (Sample, error) {
		d, brokers, err := b.topic(ctx, thousand)
		if err != nil {
			return Sample{}, err
		}
		dir, clean, err := b.flink(ctx)
		if err != nil {
			return Sample{}, err
		}
		defer clean()
		var got told
		return b.measure(ctx, d, &got, dir, "java", append(javaFlags(dir, "4g"),
			append([]string{"peer.ClickJob", "brokers=" + brokers, "topic=" + d.Name, "window=aggregate", "checkpoint=10", "par=2"}, args...)...)...)
	}}
}

// flink is the directory of Flink's programs, built, and what removes a run's files.
func (b *bench) flink(ctx context.Context) (dir string, clean func(), err error) {
	if dir, err = b.peer(ctx, "flink"); err != nil {
		return "", nil, err
	}
	checkpoints, temporary := filepath.Join(dir, "target", "ckpt"), temporaryFiles(dir)
	return dir, func() { _, _ = os.RemoveAll(checkpoints), os.RemoveAll(temporary) }, os.MkdirAll(temporary, 0o755)
}

// temporaryFiles is where a run of Flink has its state and what it unpacks, some of which it leaves.
func temporaryFiles(dir string) string { return filepath.Join(dir, "target", "tmp") }

// javaFlags are what Flink's programs run with.
func javaFlags(dir, heap string) []string {
	return []string{"-Xms" + heap, "-Xmx" + heap, "-Djava.io.tmpdir=" + temporaryFiles(dir), "--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED", "-cp", "target/classes:target/libs/*"}
}

// streams is the session job on Kafka Streams, which ends without closing the last sessions: its answer is the number of events it took in.
func streams(name string, thousand int, args ...string) variant {
	return variant{name: name, run: func(ctx context.Context, b *bench) (Sample, error) {
		d, brokers, err := b.topic(ctx, thousand)
		if err != nil {
			return Sample{}, err
		}
		dir, err := b.peer(ctx, "kstreams")
		if err != nil {
			return Sample{}, err
		}
		defer os.RemoveAll(filepath.Join(dir, "target", "state"))
		before, err := b.brokerCPU()
		if err != nil {
			return Sample{}, err
		}
		var got struct {
			Events int64   `json:"events"`
			Closed int64   `json:"closed_events"`
			Phase  float64 `json:"phase_s"`
		}
		s, err := child(ctx, dir, &got, "java", append([]string{
			"-Xms4g", "-Xmx4g", "-cp", "target/classes:target/libs/*", "peer.StreamsJob", "brokers=" + brokers, "topic=" + d.Name, fmt.Sprintf("events=%d", d.Events), "store=rocksdb", "emit=close",
		}, args...)...)
		if err != nil {
			return s, err
		}
		after, err := b.brokerCPU()
		if err != nil {
			return s, err
		}
		if got.Events != int64(d.Events) || got.Closed > got.Events {
			return s, fmt.Errorf("the answer is wrong: %d events in, %d in closed sessions, of %d", got.Events, got.Closed, d.Events)
		}
		s.Events, s.Phase, s.Broker = got.Events, got.Phase, (after - before).Seconds()
		s.Values = map[string]float64{"events in closed sessions": float64(got.Closed)}
		return s, nil
	}}
}
