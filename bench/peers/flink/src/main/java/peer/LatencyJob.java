package peer;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Steady load, keyed running count, latency from scheduled send time to sink.
 * A producer thread in the same JVM sends ClickEvents (150 B) whose event_timestamp holds nanoTime of the tick.
 * Options: rate=20000 seconds=40 warm=15 timeout=100 (buffer timeout, ms) checkpoint=0 brokers=HOST:PORT state=heap|rocksdb
 */
public final class LatencyJob {
    static final long[] hist = new long[4_000_000]; // index: microseconds
    static volatile boolean measuring;

    public static void main(String[] args) throws Exception {
        Map<String, String> o = new HashMap<>();
        for (String a : args) o.put(a.substring(0, a.indexOf('=')), a.substring(a.indexOf('=') + 1));
        int rate = Integer.parseInt(o.getOrDefault("rate", "20000")), seconds = Integer.parseInt(o.getOrDefault("seconds", "40"));
        int warm = Integer.parseInt(o.getOrDefault("warm", "15"));
        String topic = "live-" + System.currentTimeMillis();
        Properties p = new Properties();
        String brokers = o.getOrDefault("brokers", "127.0.0.1:9092");
        p.put("bootstrap.servers", brokers);
        Admin admin = Admin.create(p);
        admin.createTopics(java.util.List.of(new NewTopic(topic, 4, (short) 1))).all().get();

        Configuration c = new Configuration();
        c.setString("state.backend.type", "rocksdb".equals(o.get("state")) ? "rocksdb" : "hashmap");
        c.setString("execution.checkpointing.dir", "file://" + System.getProperty("user.dir") + "/target/ckpt");
        c.setString("execution.buffer-timeout.interval", o.getOrDefault("timeout", "100") + " ms");
        c.setString("pipeline.object-reuse", "true");
        c.setString("rest.bind-address", "127.0.0.1");
        c.setString("rest.address", "127.0.0.1");
        int ck = Integer.parseInt(o.getOrDefault("checkpoint", "0"));
        if (ck > 0) c.setString("execution.checkpointing.interval", ck + " s");
        var env = StreamExecutionEnvironment.getExecutionEnvironment(c);
        env.setParallelism(2);
        env.fromSource(KafkaSource.<Click>builder().setBootstrapServers(brokers).setTopics(topic).setGroupId("lat")
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setDeserializer(KafkaRecordDeserializationSchema.valueOnly(new Decoders.ToClick())).build(),
            WatermarkStrategy.noWatermarks(), "live")
            .keyBy(e -> e.user).process(new Count()).sinkTo(new Stopwatch());
        var job = env.executeAsync("latency");

        Thread sender = new Thread(() -> send(p, topic, rate, (warm + seconds) * 1_000_000_000L));
        sender.start();
        Thread.sleep(warm * 1000L);
        measuring = true;
        sender.join();
        measuring = false;
        Thread.sleep(1000);
        long n = Arrays.stream(hist).sum();
        System.out.printf("RESULT {\"n\":%d,\"p50_ms\":%.2f,\"p90_ms\":%.2f,\"p99_ms\":%.2f,\"p999_ms\":%.2f,\"max_ms\":%.2f}%n",
            n, q(n, .5), q(n, .9), q(n, .99), q(n, .999), q(n, 1));
        admin.deleteTopics(java.util.List.of(topic)).all().get();
        System.exit(0);
    }

    static double q(long n, double f) {
        long want = (long) Math.ceil(n * f), at = 0;
        for (int i = 0; i < hist.length; i++) if ((at += hist[i]) >= want) return i / 1000.0;
        return Double.NaN;
    }

    static void send(Properties base, String topic, int rate, long nanos) {
        Properties p = new Properties();
        p.putAll(base);
        p.put("linger.ms", "0");
        p.put("acks", "1");
        String pad = "https://shop.example.com/p/44912?" + "x".repeat(70);
        try (var producer = new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer())) {
            long t0 = System.nanoTime(), sent = 0;
            while (true) {
                long now = System.nanoTime() - t0;
                if (now >= nanos) return;
                for (long due = (long) (now * (double) rate / 1e9); sent < due; sent++) {
                    long id = (sent * 2654435761L >>> 7) % 50_000;
                    String user = "user-" + (1_000_000 + id);
                    byte[] v = clickstream.v1.ClickEvent.newBuilder().setUserId(user).setUrl(pad).setEventType("view")
                        .setEventTimestamp(t0 + (long) (sent * (1e9 / rate))).build().toByteArray();
                    producer.send(new ProducerRecord<>(topic, (int) (id & 3), user.getBytes(), v));
                }
                LockSupport.parkNanos(500_000);
            }
        }
    }

    static final class Count extends KeyedProcessFunction<String, Click, Click> {
        private transient ValueState<Long> count;

        @Override
        public void open(OpenContext ctx) {
            count = getRuntimeContext().getState(new ValueStateDescriptor<>("n", Types.LONG));
        }

        @Override
        public void processElement(Click e, Context ctx, Collector<Click> out) throws Exception {
            Long n = count.value();
            count.update(n == null ? 1 : n + 1);
            out.collect(e);
        }
    }

    static final class Stopwatch implements Sink<Click> {
        @Override
        public SinkWriter<Click> createWriter(WriterInitContext ctx) {
            return new SinkWriter<>() {
                @Override
                public void write(Click e, Context c) {
                    if (!measuring) return;
                    int us = (int) Math.min(hist.length - 1, Math.max(0, (System.nanoTime() - e.ts) / 1000));
                    synchronized (hist) {
                        hist[us]++;
                    }
                }

                @Override
                public void flush(boolean end) {}

                @Override
                public void close() {}
            };
        }
    }
}
