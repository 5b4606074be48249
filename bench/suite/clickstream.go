package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/millrace/millrace/bench/proc"
)

// clickstreamPart is the session job from a real Kafka, beside the peers.
func clickstreamPart() part {
	p := part{
		name: "clickstream", title: "The session job from Kafka, beside the peers", headline: true, repeats: 3,
		about: "Protobuf clicks (150 bytes, a twentieth as many users as events, 7 days, out of order within 55 s) in 4 partitions of a topic of a real Kafka on the same machine; sessions of 30 minutes " +
			"in event time; a sink that adds up the rows. Every answer is compared with a batch computation: events, sessions, abandoned carts, and a checksum of all rows where the program makes one. " +
			"Checkpoints every 10 s with sync where state is durable. Flink and Kafka Streams run with two threads, Java's heap at 4 GB.",
		columns: []string{colRate, colWhole, colCPU, colBroker, colPeak}, chart: colRate,
	}
	// What is compared stands side by side, as the machine changes from minute to minute.
	p.variants = append(p.variants,
		ours("Millrace, in place, Pebble, google", 10_000, "--decode", "google").times(1),
		ours("Millrace, in place, Pebble, vt", 10_000, "--decode", "vt").times(1),
		ours("Millrace, exchange, Pebble, aliased", 10_000, "--exchange").times(1),
		ours("Millrace, in place, memory, aliased", 10_000, "--state", "memory"),
		ours(inPlace, 10_000),
		ours(reused, 10_000, "--decode", "reused"),
		flink(flinkHeap, 10_000, "state=heap"),
		flink(flinkRocks, 2_000, "state=rocksdb").times(1),
		streams("Kafka Streams, RocksDB, at least once", 1_000, "guarantee=at_least_once").times(1),
	)
	return p
}

// variantsPart is what else the session job can be asked: shorter logs, files, no checkpoints, state in memory.
func variantsPart() part {
	p := part{
		name: "variants", title: "The session job in other forms", repeats: 1,
		about:   "As above. In a log of a million events, what a program takes to get going is a larger part.",
		columns: []string{colRate, colWhole, colCPU, colPeak}, chart: colRate,
	}
	for _, decode := range []string{"google", "vt", "aliased", "reused"} {
		p.variants = append(p.variants, ours("Millrace, 1 M events, in place, Pebble, "+decode, 1000, "--decode", decode))
	}
	p.variants = append(p.variants,
		ours("Millrace, 1 M events, exchange, Pebble, aliased", 1000, "--exchange"),
		flink("Flink, 1 M events, heap", 1000, "state=heap"),
		ours("Millrace, 10 M events, exchange, Pebble, vt", 10_000, "--exchange", "--decode", "vt"),
		streams("Kafka Streams, 2 M events, RocksDB, exactly once", 2_000, "guarantee=exactly_once_v2").times(1),
	)
	for _, exchange := range []string{"--exchange=false", "--exchange=true"} {
		how := map[string]string{"--exchange=false": "in place", "--exchange=true": "exchange"}[exchange]
		p.variants = append(p.variants,
			ours("Millrace, 10 M events, "+how+", Pebble, no checkpoints", 10_000, exchange, "--checkpoint", "24h"),
			ours("Millrace, 10 M events, "+how+", memory, no checkpoints", 10_000, exchange, "--checkpoint", "24h", "--state", "memory"),
			fromFiles("Millrace, 10 M events from files, "+how+", Pebble", 10_000, exchange),
			fromFiles("Millrace, 10 M events from files, "+how+", memory", 10_000, exchange, "--state", "memory"),
			fromFiles("Millrace, 1 M events from files, "+how+", Pebble", 1000, exchange),
		)
	}
	return p
}

// fileLoopPart is the session job from files beside a loop by hand, both on one core: a second one would be of no use to the loop, and dear to the engine, as cores share a cache
// and the way to memory.
func fileLoopPart() part {
	p := part{
		name: "hand", title: "The session job from files on one core, beside a loop written by hand", headline: true, repeats: 11,
		about: "The same clicks in four files. The loop by hand reads through the same reader and decoder, has a map of open sessions and nothing else: no event time, no late records, no timers, no state that " +
			"outlives it. It runs with GOGC=400, as the engine has room for garbage too. GOMAXPROCS is 1 for all; processor time is what to compare.",
		columns: []string{colRate, colCPU, colPeak}, chart: colCPU,
	}
	for _, decode := range []string{"google", "vt", "aliased", "reused"} {
		onOneCore := func(name string, args ...string) {
			v := fromFiles(name, 4_000, append(args, "--decode", decode, "--procs", "1")...)
			switch { // what is in no target runs seldom
			case decode == "google":
				v = v.times(1)
			case decode == "vt" || strings.Contains(name, "memory"):
				v = v.times(2)
			case decode == "reused": // short runs
				v = v.times(9)
			}
			p.variants = append(p.variants, v)
		}
		onOneCore("Millrace, in place, memory, "+decode, "--state", "memory")
		onOneCore("by hand, "+decode, "--hand", "--gc", "400")
		onOneCore("Millrace, in place, Pebble, " + decode)
		if decode == "aliased" {
			onOneCore("Millrace, exchange, Pebble, aliased", "--exchange")
		}
	}
	return p
}

// ours is our session job over a topic of some thousand events.
func ours(name string, thousand int, args ...string) variant {
	return variant{name: name, run: func(ctx context.Context, b *bench) (Sample, error) {
		d, brokers, err := b.topic(ctx, thousand)
		if err != nil {
			return Sample{}, err
		}
		return b.worker(ctx, d, name, append([]string{"--brokers", brokers, "--topic", d.Name}, args...)...)
	}}
}

func fromFiles(name string, thousand int, args ...string) variant {
	return variant{name: name, run: func(ctx context.Context, b *bench) (Sample, error) {
		d, err := b.dataset(thousand)
		if err != nil {
			return Sample{}, err
		}
		return b.worker(ctx, d, name, append([]string{"--files", strings.Join(d.files(), ",")}, args...)...)
	}}
}

// worker runs this program's worker on a log and checks its answer.
func (b *bench) worker(ctx context.Context, d dataset, name string, args ...string) (Sample, error) {
	program, dir, err := b.ourselves()
	if err != nil {
		return Sample{}, err
	}
	defer os.RemoveAll(dir)
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return Sample{}, err
		}
		args = append(args, "--cpuprofile", filepath.Join(b.profiles, strings.NewReplacer(",", "", " ", "-").Replace(name)+".prof"))
	}
	var got told
	s, err := b.measure(ctx, d, &got, "", program, append([]string{"worker", "--dir", dir, fmt.Sprint("--begun=", time.Now().UnixNano())}, args...)...)
	s.Values = map[string]float64{colFirst: got.First}
	return s, err
}

// ourselves is this program, and a directory for a run's state, which the caller removes.
func (b *bench) ourselves() (program, dir string, err error) {
	if program, err = os.Executable(); err != nil {
		return "", "", err
	}
	dir, err = os.MkdirTemp(b.work, "state-")
	return program, dir, err
}

// measure runs a program on a log, checks its answer, and adds what the broker took.
func (b *bench) measure(ctx context.Context, d dataset, got *told, dir, program string, args ...string) (Sample, error) {
	before, err := b.brokerCPU()
	if err != nil {
		return Sample{}, err
	}
	s, err := child(ctx, dir, got, program, args...)
	if err != nil {
		return s, err
	}
	after, err := b.brokerCPU()
	if err != nil {
		return s, err
	}
	s.Events, s.Phase, s.Broker = int64(d.Events), got.Phase, (after - before).Seconds()
	return s, d.check(got.answer)
}

// brokerCPU is the processor time of the broker so far; 0 where none runs.
func (b *bench) brokerCPU() (time.Duration, error) {
	if b.kafka == nil {
		return 0, nil
	}
	return proc.CPU(b.kafka.PID())
}

// check compares an answer with the right one; a program without a checksum is compared in the rest.
func (d dataset) check(got answer) error {
	want := d.Answer
	if got.Checksum == "" {
		want.Checksum = ""
	}
	if got != want {
		return fmt.Errorf("the answer is wrong: %+v, want %+v", got, want)
	}
	return nil
}
