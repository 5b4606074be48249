package peer;

import clickstream.v1.ClickEvent;
import com.google.protobuf.InvalidProtocolBufferException;
import java.io.BufferedWriter;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StoreQueryParameters;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.kstream.Consumed;
import org.apache.kafka.streams.kstream.EmitStrategy;
import org.apache.kafka.streams.kstream.Grouped;
import org.apache.kafka.streams.kstream.Materialized;
import org.apache.kafka.streams.kstream.Produced;
import org.apache.kafka.streams.kstream.SessionWindows;
import org.apache.kafka.streams.kstream.Suppressed;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.QueryableStoreTypes;
import org.apache.kafka.streams.state.ReadOnlySessionStore;
import org.apache.kafka.streams.state.Stores;

/**
 * The same sessionization in Kafka Streams. The topic is already keyed and partitioned by user_id, so no repartition.
 * Options: topic=NAME events=N store=memory|rocksdb emit=close|suppress guarantee=exactly_once_v2|at_least_once
 *          logging=true|false brokers=HOST:PORT retention_min=1440 cap_s=N csv=FILE
 */
public final class StreamsJob {
    record Click(long ts, byte kind) {}

    /** 5 longs: first, last, events, carts, checkouts. */
    record Acc(long first, long last, long events, long carts, long checkouts) {
        static final Acc EMPTY = new Acc(Long.MAX_VALUE, Long.MIN_VALUE, 0, 0, 0);

        Acc add(Click c) {
            return new Acc(Math.min(first, c.ts), Math.max(last, c.ts), events + 1,
                carts + (c.kind == 1 ? 1 : 0), checkouts + (c.kind == 2 ? 1 : 0));
        }

        boolean abandoned() {
            return carts > 0 && checkouts == 0;
        }

        /** The part of the order-independent checksum of the session's row. */
        long hash(String user, Duration gap) {
            long h = user.hashCode();
            for (long v : new long[] {first, last + gap.toMillis(), last - first, events, carts, checkouts}) {
                h = (h ^ v) * 0x9E3779B97F4A7C15L;
                h ^= h >>> 29;
            }
            return h;
        }

        Acc merge(Acc o) {
            return new Acc(Math.min(first, o.first), Math.max(last, o.last), events + o.events, carts + o.carts, checkouts + o.checkouts);
        }
    }

    static final Serde<Click> CLICK = Serdes.serdeFrom((t, c) -> {
        throw new UnsupportedOperationException();
    }, (t, b) -> {
        try {
            ClickEvent e = ClickEvent.parseFrom(b);
            return new Click(e.getEventTimestamp(), (byte) switch (e.getEventType()) {
                case "add_to_cart" -> 1;
                case "checkout" -> 2;
                default -> 0;
            });
        } catch (InvalidProtocolBufferException x) {
            throw new RuntimeException(x);
        }
    });

    static final Serde<Acc> ACC = Serdes.serdeFrom(
        (t, a) -> a == null ? null : ByteBuffer.allocate(40).putLong(a.first).putLong(a.last).putLong(a.events).putLong(a.carts).putLong(a.checkouts).array(),
        (t, b) -> {
            if (b == null) return null;
            ByteBuffer x = ByteBuffer.wrap(b);
            return new Acc(x.getLong(), x.getLong(), x.getLong(), x.getLong(), x.getLong());
        });

    static final AtomicLong first = new AtomicLong();
    static volatile long last;
    static final LongAdder seen = new LongAdder();
    static long total;
    static final LongAdder rows = new LongAdder(), rowEvents = new LongAdder(), abandoned = new LongAdder(), checksum = new LongAdder();
    /** The hashes of the rows that came out: the store keeps their sessions for some time. */
    static final Set<Long> out = ConcurrentHashMap.newKeySet();

    /** Event time from the message; also the run's stop watch. */
    public static final class EventTime implements TimestampExtractor {
        private final AtomicLong n = new AtomicLong();

        @Override
        public long extract(ConsumerRecord<Object, Object> r, long partitionTime) {
            if (first.get() == 0) first.compareAndSet(0, System.nanoTime());
            return ((Click) r.value()).ts();
        }
    }

    public static void main(String[] args) throws Exception {
        Map<String, String> o = new HashMap<>();
        for (String a : args) o.put(a.substring(0, a.indexOf('=')), a.substring(a.indexOf('=') + 1));
        total = Long.parseLong(o.get("events"));
        boolean memory = !"rocksdb".equals(o.get("store")), onClose = !"suppress".equals(o.get("emit"));
        boolean logging = !"false".equals(o.get("logging"));
        Duration gap = Duration.ofMinutes(30), grace = Duration.ofMinutes(1);
        // Must outlive the 1 s (wall clock) between two emissions, which is hours of event time in a replay;
        // with gap + grace the closed sessions expire before they are emitted and nothing comes out.
        Duration retention = Duration.ofMinutes(Long.parseLong(o.getOrDefault("retention_min", "1440")));
        BufferedWriter csv = o.containsKey("csv") ? Files.newBufferedWriter(Path.of(o.get("csv"))) : null;

        Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, "ks-" + ProcessHandle.current().pid() + "-" + System.currentTimeMillis());
        String brokers = o.getOrDefault("brokers", "127.0.0.1:9092");
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
        p.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, 2);
        p.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, o.getOrDefault("guarantee", "at_least_once"));
        p.put(StreamsConfig.STATE_DIR_CONFIG, System.getProperty("user.dir") + "/target/state");
        p.put(StreamsConfig.consumerPrefix("auto.offset.reset"), "earliest");
        p.put(StreamsConfig.DEFAULT_TIMESTAMP_EXTRACTOR_CLASS_CONFIG, EventTime.class);
        p.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        String sessions = p.get(StreamsConfig.APPLICATION_ID_CONFIG) + "-sessions";
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
            admin.createTopics(java.util.List.of(new NewTopic(sessions, 4, (short) 1))).all().get();
        }

        Materialized<String, Acc, org.apache.kafka.streams.state.SessionStore<org.apache.kafka.common.utils.Bytes, byte[]>> store = memory
            ? Materialized.<String, Acc>as(Stores.inMemorySessionStore("sessions", retention))
            : Materialized.<String, Acc, org.apache.kafka.streams.state.SessionStore<org.apache.kafka.common.utils.Bytes, byte[]>>as("sessions").withRetention(retention);
        store = store.withKeySerde(Serdes.String()).withValueSerde(ACC);
        if (!logging) store = store.withLoggingDisabled();

        StreamsBuilder b = new StreamsBuilder();
        var grouped = b.stream(o.get("topic"), Consumed.with(Serdes.String(), CLICK))
            .groupByKey(Grouped.with(Serdes.String(), CLICK))
            .windowedBy(SessionWindows.ofInactivityGapAndGrace(gap, grace));
        if (onClose) grouped = grouped.emitStrategy(EmitStrategy.onWindowClose());
        var table = grouped.aggregate(() -> Acc.EMPTY, (k, c, a) -> {
            seen.increment();
            return a.add(c);
        }, (k, x, y) -> x.merge(y), store);
        if (!onClose) table = table.suppress(Suppressed.untilWindowCloses(Suppressed.BufferConfig.unbounded()));
        table.toStream((Windowed<String> w, Acc a) -> w.key())
            .filter((k, a) -> a != null)
            .peek((k, a) -> {
                count(k, a, gap);
                if (csv != null) {
                    synchronized (csv) {
                        try {
                            csv.write(k + ',' + a.first + ',' + (a.last + gap.toMillis()) + ',' + (a.last - a.first) + ',' + a.events + ',' + a.carts + ',' + a.checkouts + ',' + a.abandoned() + '\n');
                        } catch (java.io.IOException e) {
                            throw new RuntimeException(e);
                        }
                    }
                }
            })
            .to(sessions, Produced.with(Serdes.String(), ACC));

        var topology = b.build(p);
        System.err.println(topology.describe());
        KafkaStreams ks = new KafkaStreams(topology, p);
        ks.setUncaughtExceptionHandler(e -> {
            e.printStackTrace();
            return org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        ks.start();
        long idleSince = System.nanoTime(), prev = 0;
        long cap = System.nanoTime() + Long.parseLong(o.getOrDefault("cap_s", "100000")) * 1_000_000_000L;
        while (seen.sum() < total) {
            Thread.sleep(20);
            if (System.nanoTime() > cap) {
                idleSince = System.nanoTime();
                break;
            }
            if (seen.sum() != prev) {
                prev = seen.sum();
                idleSince = System.nanoTime();
            } else if (System.nanoTime() - idleSince > 30_000_000_000L) break; // stuck or dropped: report what was seen
        }
        last = seen.sum() < total ? idleSince : System.nanoTime();
        countOpen(ks, gap);
        ks.close(Duration.ofSeconds(30)); // commits (and flushes) what is open
        double secs = (last - first.get()) / 1e9, committed = (System.nanoTime() - first.get()) / 1e9;
        if (csv != null) csv.close();
        System.out.printf("RESULT {\"events\":%d,\"sessions\":%d,\"abandoned\":%d,\"checksum\":\"%016x\",\"phase_s\":%.3f,\"to_committed_s\":%.3f,\"eps\":%.0f}%n",
            rowEvents.sum(), rows.sum(), abandoned.sum(), checksum.sum(), secs, committed, seen.sum() / secs);
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", brokers))) {
            var mine = admin.listTopics().names().get().stream().filter(t -> t.startsWith(p.getProperty(StreamsConfig.APPLICATION_ID_CONFIG))).toList();
            admin.deleteTopics(mine).all().get();
        }
        System.exit(0);
    }

    /** Takes a session into the answer, once. */
    static void count(String user, Acc a, Duration gap) {
        long hash = a.hash(user, gap);
        if (!out.add(hash)) return;
        rows.increment();
        rowEvents.add(a.events);
        if (a.abandoned()) abandoned.increment();
        checksum.add(hash);
    }

    /** Takes in the sessions that no record came behind to close: they are in the store. */
    static void countOpen(KafkaStreams ks, Duration gap) {
        ReadOnlySessionStore<String, Acc> store = ks.store(StoreQueryParameters.fromNameAndType("sessions", QueryableStoreTypes.sessionStore()));
        try (var open = store.fetch(null, null)) {
            open.forEachRemaining(s -> count(s.key.key(), s.value, gap));
        }
    }
}
