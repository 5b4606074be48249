package peer;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Updates of accounts that are picked evenly at random; an account is told of at each fourth update.
 * Options: keys=N updates=N managed=BYTESb checkpoint=SECONDS filters=BOOLEAN limit=MILLISECONDS, after which it ends and tells what it had done
 */
public final class LargeJob {
    static final AtomicLong first = new AtomicLong();
    static final LongAdder done = new LongAdder();
    static final LongAdder told = new LongAdder();
    static final LongAdder sum = new LongAdder();

    public static void main(String[] args) throws Exception {
        Map<String, String> o = new HashMap<>();
        for (String a : args) o.put(a.substring(0, a.indexOf('=')), a.substring(a.indexOf('=') + 1));
        long keys = Long.parseLong(o.get("keys")), updates = Long.parseLong(o.get("updates"));
        Configuration c = new Configuration();
        c.setString("state.backend.type", "rocksdb");
        c.setString("execution.checkpointing.incremental", "true");
        c.setString("execution.checkpointing.dir", "file://" + System.getProperty("user.dir") + "/target/ckpt");
        c.setString("execution.checkpointing.interval", o.getOrDefault("checkpoint", "10") + " s");
        String filters = o.getOrDefault("filters", "false");
        c.setString("state.backend.rocksdb.use-bloom-filter", filters);
        c.setString("state.backend.rocksdb.memory.partitioned-index-filters", filters);
        c.setString("taskmanager.memory.managed.size", o.get("managed"));
        c.setString("pipeline.object-reuse", "true");
        c.setString("pipeline.generic-types", "false");
        c.setString("rest.bind-address", "127.0.0.1");
        c.setString("rest.address", "127.0.0.1");
        var env = StreamExecutionEnvironment.getExecutionEnvironment(c);
        env.setParallelism(2);
        env.fromSource(new DataGeneratorSource<>(i -> {
                if (first.get() == 0) first.compareAndSet(0, System.nanoTime());
                return i;
            }, updates, Types.LONG), WatermarkStrategy.noWatermarks(), "updates")
            .keyBy(i -> accountOf(i, keys), Types.LONG).process(new Accounts(), Types.POJO(Told.class)).sinkTo(new Adder());
        if (o.containsKey("limit")) stopAfter(Long.parseLong(o.get("limit")));
        env.execute("large");
        tell(0);
    }

    /** Ends the program when the time is over, wherever the job is. */
    static void stopAfter(long millis) {
        var watch = new Thread(() -> {
            try {
                Thread.sleep(millis);
            } catch (InterruptedException e) {
                return;
            }
            tell(done.sum());
        });
        watch.setDaemon(true);
        watch.start();
    }

    /** Ends the program with its result; stopped is the number of updates done if they are not all. */
    static synchronized void tell(long stopped) {
        System.out.printf("RESULT {\"told\":%d,\"sum\":%d,\"phase_s\":%.3f,\"stopped\":%d}%n", told.sum(), sum.sum(), (System.nanoTime() - first.get()) / 1e9, stopped);
        System.exit(0);
    }

    static long accountOf(long i, long keys) {
        long z = i * 0x9E3779B97F4A7C15L;
        z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
        z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
        return ((z ^ z >>> 31) >>> 1) % keys;
    }

    public static class Account {
        public long updates;
        public long first;
        public long last;
        public long sum;
        public byte[] note;

        public Account() {}
    }

    public static class Told {
        public long key;
        public long updates;

        public Told() {}

        Told(long key, long updates) {
            this.key = key;
            this.updates = updates;
        }
    }

    static final class Accounts extends KeyedProcessFunction<Long, Long, Told> {
        private transient ValueState<Account> account;

        @Override
        public void open(OpenContext ctx) {
            account = getRuntimeContext().getState(new ValueStateDescriptor<>("account", Types.POJO(Account.class)));
        }

        @Override
        public void processElement(Long i, Context ctx, Collector<Told> out) throws Exception {
            Account a = account.value();
            if (a == null) {
                a = new Account();
                a.first = i;
                a.note = new byte[64];
                java.nio.ByteBuffer.wrap(a.note).putLong(ctx.getCurrentKey());
            }
            a.updates++;
            a.last = i;
            a.sum += i;
            account.update(a);
            done.increment();
            if (a.updates % 4 == 0) out.collect(new Told(ctx.getCurrentKey(), a.updates));
        }
    }

    static final class Adder implements Sink<Told> {
        @Override
        public SinkWriter<Told> createWriter(WriterInitContext ctx) {
            return new SinkWriter<>() {
                @Override
                public void write(Told t, Context c) {
                    told.increment();
                    sum.add(t.updates * (t.key % 1000 + 1));
                }

                @Override
                public void flush(boolean endOfInput) {}

                @Override
                public void close() {}
            };
        }
    }
}
