package main

import (
	"context"
	"fmt"
)

// latencyPart is how old records are at the sink.
func latencyPart() part {
	p := part{
		name: "latency", title: "Latency at 20,000 records a second through an exchange", headline: true, repeats: 3,
		about: "From the creation of a record to the sink, through an exchange and a keyed function with state; a checkpoint every second. Millrace's records are made in the process; Flink's come through Kafka, from a producer " +
			"in the same JVM that sends each at once, so its figures have that way in them too.",
		columns: []string{"p50 ms", "p99 ms", "p99.9 ms", colPeak}, chart: "p99 ms",
	}
	p.variants = append(p.variants, goBenchmark{pkg: "bench", pattern: "^BenchmarkLatency$", time: "600000x"}.named("Millrace"))
	for _, timeout := range []int{100, 0} {
		p.variants = append(p.variants, flinkLatency(timeout).times(1))
	}
	return p
}

// flinkLatency is the same on Flink, with a buffer timeout in milliseconds.
func flinkLatency(timeout int) variant {
	return variant{name: fmt.Sprintf("Flink, heap, buffer timeout %d ms", timeout), run: func(ctx context.Context, b *bench) (Sample, error) {
		brokers, err := b.broker(ctx)
		if err != nil {
			return Sample{}, err
		}
		dir, clean, err := b.flink(ctx)
		if err != nil {
			return Sample{}, err
		}
		defer clean()
		var got struct {
			P50  float64 `json:"p50_ms"`
			P99  float64 `json:"p99_ms"`
			P999 float64 `json:"p999_ms"`
		}
		s, err := child(ctx, dir, &got, "java", append(javaFlags(dir, "4g"), "peer.LatencyJob", "brokers="+brokers, "rate=20000", "seconds=20", "warm=15", "checkpoint=1", fmt.Sprintf("timeout=%d", timeout))...)
		s.Values = map[string]float64{"p50 ms": got.P50, "p99 ms": got.P99, "p99.9 ms": got.P999}
		s.CPU, s.Wall = 0, 0 // with the producer's
		return s, err
	}}
}

// pausePart is how long checkpoints stop a task.
func pausePart() part {
	p := part{
		name: "pauses", title: "Pauses by checkpoints", repeats: 1,
		about: "Each record changes the state of another key, as many records a second as the machine does; checkpoints one after the other, at most one a second, to Pebble with sync. A pause is the time from which to which a task does nothing else: at the barrier, " +
			"for a slice of its state, when the checkpoint is durable. The p99 is an upper bound, a quarter too high at most.",
		columns: []string{colRate, "pause-p99 us", "pause-max us", "bytes/checkpoint", "checkpoints"}, chart: "pause-p99 us",
	}
	for _, keys := range []int{1_000_000, 10_000_000} {
		for _, exchange := range []bool{false, true} {
			how := map[bool]string{false: "in place", true: "exchange"}[exchange]
			p.variants = append(p.variants, goBenchmark{
				pkg: "bench", pattern: fmt.Sprintf("^BenchmarkPause$/exchange=%v", exchange), time: fmt.Sprintf("%dx", 3*keys), events: 1, flags: []string{fmt.Sprintf("-pause-keys=%d", keys)},
			}.named(fmt.Sprintf("Millrace, %s, %d M keys", how, keys/1_000_000)))
		}
	}
	return p
}

// scalingPart is what the second core brings.
func scalingPart() part {
	p := part{
		name: "scaling", title: "From one core to two", headline: true, repeats: 7,
		about: "The session job from four files, aliased decoding, with GOMAXPROCS 1 and 2. Beside it, what the machine itself brings by its second core: in place, where the cores share nothing, a loop of " +
			"arithmetic that leaves memory alone, on one core and twice at a time on two (a thousand steps count as an event); by an exchange, where half of the events change the core, the same job by hand of " +
			"goroutines and channels. How long a line of the cache takes to the other core and back is told too: a hypervisor moves the cores, and where they have no cache in common all that is exchanged costs more.",
		columns: []string{colRate, colCPU, colTrip}, chart: colRate,
	}
	job := func(name string, cores int, args ...string) variant {
		return fromFiles(onCores(name, cores), 4_000, append(args, fmt.Sprintf("--procs=%d", cores))...)
	}
	const often = 11 // two targets need them
	p.variants = append(p.variants, controlVariant(1).times(often), controlVariant(2).times(often), job(oursInPlace, 1).times(often), job(oursInPlace, 2).times(often), lineVariant())
	for _, cores := range []int{1, 2} {
		p.variants = append(p.variants, job(handExchange, cores, "--exchange", "--hand", "--gc=400"), job(oursExchange, cores, "--exchange"))
	}
	return p
}

// What is measured on one core and on two.
const (
	oursInPlace  = "Millrace, in place"
	oursExchange = "Millrace, exchange"
	handExchange = "by hand, exchange"
)

func onCores(name string, cores int) string { return fmt.Sprintf("%s, %d of 2 cores", name, cores) }

// sinkPart is sinks beside their drivers.
func sinkPart() part {
	p := part{
		name: "sinks", title: "Sinks beside their bare drivers", repeats: 3,
		about: "Upserts of 1,000 rows of eight columns at a time into a server on the same machine or a file: a Writer, and a loop by hand that does the same with the driver (pgx, database/sql with modernc's SQLite, " +
			"sarama's SyncProducer, net/http), in turns. \"vs driver\" is the driver's time divided by the sink's. \"insert\" has other keys in each batch, \"update\" the same.",
		columns: []string{"rows/s", vsDriver}, chart: vsDriver,
	}
	for _, s := range []struct {
		name, pkg, servers string
		kinds              []string
	}{
		{"PostgreSQL", "sink/postgres", "postgres", []string{"insert", "update"}},
		{"SQLite", "sink/sqlite", "", []string{"insert", "update"}},
		{"Kafka", "sink/kafka", "kafka", []string{"insert"}}, // a log, to which all is new
		{"Elasticsearch", "sink/elastic", "none", []string{"insert", "update"}},
	} {
		for _, kind := range s.kinds {
			p.variants = append(p.variants, goBenchmark{
				pkg: s.pkg, pattern: "^BenchmarkUpsertRatio$/kind=" + kind, time: "5s", servers: s.servers,
			}.named("Millrace, "+s.name+", "+kind))
		}
	}
	return p
}

// vsDriver is how many times as fast as by hand a sink is.
const vsDriver = "vs driver"

// nexmarkPart is the queries of the Nexmark suite, on one core.
func nexmarkPart() part {
	p := part{
		name: "nexmark", title: "Nexmark, on one core", repeats: 3,
		about:   "Queries of the Nexmark suite with Beam's semantics over a million events, which are made on the way (q0 is the cost of that); GOMAXPROCS is 1. Results are checked by the tests of bench/nexmark.",
		columns: []string{colRate, colCPU}, chart: colRate,
	}
	for _, q := range []string{"q0", "q1", "q2", "q5", "q7", "q8", "q11"} {
		durables := []string{"/durable=false", "/durable=true"}
		if q == "q0" || q == "q1" || q == "q2" {
			durables = []string{""}
		}
		for _, durable := range durables {
			name := map[string]string{"": "", "/durable=false": ", memory", "/durable=true": ", Pebble"}[durable]
			p.variants = append(p.variants, goBenchmark{
				pkg: "bench", pattern: "^BenchmarkNexmark$/query=" + q + "$" + durable, time: "2x", events: 1_000_000, flags: []string{"-test.cpu=1"},
			}.named("Millrace, "+q+name))
		}
	}
	return p
}
