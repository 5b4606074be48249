package peer;

import clickstream.v1.ClickEvent;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.DeserializationSchema;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.windowing.assigners.EventTimeSessionWindows;

/**
 * Sessionization of a click stream.
 * Options: state=heap|rocksdb window=aggregate|process checkpoint=SECONDS(0 off) source=kafka|memory|null
 *          shuffle=pojo|proto brokers=HOST:PORT topic=NAME events=N file=BIN csv=FILE par=2 managed=1g
 */
public final class ClickJob {
    public static void main(String[] args) throws Exception {
        Map<String, String> o = new HashMap<>();
        for (String a : args) o.put(a.substring(0, a.indexOf('=')), a.substring(a.indexOf('=') + 1));
        String brokers = o.getOrDefault("brokers", "127.0.0.1:9092");
        boolean proto = "proto".equals(o.get("shuffle"));
        boolean aggregate = !"process".equals(o.get("window"));
        int ck = Integer.parseInt(o.getOrDefault("checkpoint", "0"));

        Configuration c = new Configuration();
        c.setString("state.backend.type", "rocksdb".equals(o.get("state")) ? "rocksdb" : "hashmap");
        c.setString("execution.checkpointing.incremental", "true");
        c.setString("execution.checkpointing.dir", "file://" + System.getProperty("user.dir") + "/target/ckpt");
        c.setString("taskmanager.memory.managed.size", o.getOrDefault("managed", "1g"));
        c.setString("taskmanager.memory.network.min", "256m");
        c.setString("taskmanager.memory.network.max", "256m");
        c.setString("pipeline.object-reuse", "true");
        c.setString("rest.bind-address", "127.0.0.1");
        c.setString("rest.address", "127.0.0.1");
        if (proto) c.setString("pipeline.serialization-config",
            "[clickstream.v1.ClickEvent: {type: kryo, kryo-type: registered, class: 'peer.Decoders$ProtoKryo'}]");
        else c.setString("pipeline.generic-types", "false");
        if (ck > 0) {
            c.setString("execution.checkpointing.interval", ck + " s");
            c.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
        }
        var env = StreamExecutionEnvironment.getExecutionEnvironment(c);
        env.setParallelism(Integer.parseInt(o.getOrDefault("par", "2")));

        Run.openCsv(o.get("csv"));
        var gap = EventTimeSessionWindows.withGap(Duration.ofMinutes(30));
        DataStream<Session> sessions;
        if (proto) {
            var keyed = env.fromSource(kafka(brokers, o.get("topic"), new Decoders.ToProto()), WatermarkStrategy
                .<ClickEvent>forBoundedOutOfOrderness(Duration.ofSeconds(60))
                .withTimestampAssigner((e, t) -> e.getEventTimestamp()), "kafka").keyBy(ClickEvent::getUserId).window(gap);
            sessions = aggregate ? keyed.aggregate(new Windows.ProtoAgg(), new Windows.Finish())
                : keyed.process(new Windows.ProtoTextbook());
        } else {
            var wm = WatermarkStrategy.<Click>forBoundedOutOfOrderness(Duration.ofSeconds(60))
                .withTimestampAssigner((e, t) -> e.ts);
            DataStream<Click> clicks;
            if ("memory".equals(o.get("source"))) {
                Memory.load(o.get("file"), Integer.parseInt(o.get("events")));
                clicks = env.fromSource(new DataGeneratorSource<>(new Memory(), Memory.n, Types.POJO(Click.class)), wm, "memory");
            } else {
                clicks = env.fromSource(kafka(brokers, o.get("topic"), new Decoders.ToClick()), wm, "kafka");
            }
            var keyed = clicks.keyBy(e -> e.user).window(gap);
            sessions = aggregate ? keyed.aggregate(new Windows.Agg(), new Windows.Finish())
                : keyed.process(new Windows.Textbook());
        }
        sessions.sinkTo(new CountingSink());
        env.execute("clickstream");
        Run.report();
        System.exit(0);
    }

    private static <T> KafkaSource<T> kafka(String brokers, String topic, DeserializationSchema<T> decoder) {
        return KafkaSource.<T>builder()
            .setBootstrapServers(brokers)
            .setTopics(topic)
            .setGroupId("flink-clickstream")
            .setStartingOffsets(OffsetsInitializer.earliest())
            .setBounded(OffsetsInitializer.latest())
            .setDeserializer(KafkaRecordDeserializationSchema.valueOnly(decoder))
            .build();
    }
}
