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

// streams is the session job on Kafka Streams.
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
		// A shorter log is through sooner, and more of its time lies between two seconds of the wall clock, which the store must outlive.
		retention := fmt.Sprintf("retention_min=%.0f", 1440/min(1, b.scale))
		var got told
		return b.measure(ctx, d, &got, dir, "java", append([]string{
			"-Xms4g", "-Xmx4g", "-cp", "target/classes:target/libs/*", "peer.StreamsJob", "brokers=" + brokers, "topic=" + d.Name, fmt.Sprintf("events=%d", d.Events), "store=rocksdb", "emit=close", retention,
		}, args...)...)
	}}
}
