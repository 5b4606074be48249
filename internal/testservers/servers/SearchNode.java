import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.transport.Netty4Plugin;

/** One node of a search server from its jars alone: arguments are settings, name=value. */
final class SearchNode extends Node {
    private SearchNode(Settings settings) {
        super(InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), (Path) null, () -> "test"), List.of(Netty4Plugin.class), true);
    }

    public static void main(String[] args) throws Exception {
        Settings.Builder settings = Settings.builder();
        for (String arg : args) {
            int at = arg.indexOf('=');
            settings.put(arg.substring(0, at), arg.substring(at + 1));
        }
        SearchNode node = new SearchNode(settings.build());
        CountDownLatch ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception e) {
                e.printStackTrace();
            }
            ended.countDown();
        }));
        node.start();
        ended.await();
    }
}
