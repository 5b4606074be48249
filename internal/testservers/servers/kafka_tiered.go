package servers

import (
	"context"
	_ "embed"
	"fmt"
	"path/filepath"
)

//go:embed pom_tiered.xml
var tieredPOM []byte

// StartTieredKafka starts a broker as StartKafka does that offers tiered storage: Kafka's own LocalTieredStorage, a folder in the place of an object store. It
// looks every half second for segments to move and to delete. Its version is the newest whose test jar, where that storage is, loads in its own broker.
func StartTieredKafka(ctx context.Context, dir string) (*Kafka, error) {
	libs, err := installJars(ctx, "kafka-tiered-4.3.1", tieredPOM)
	if err != nil {
		return nil, err
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("Kafka's directory: %w", err)
	}
	return startKafka(ctx, dir, libs, settings{properties: fmt.Sprintf(`remote.log.storage.system.enable=true
remote.log.storage.manager.class.name=org.apache.kafka.server.log.remote.storage.LocalTieredStorage
remote.log.storage.manager.impl.prefix=rsm.config.
rsm.config.dir=%s
remote.log.metadata.manager.listener.name=PLAINTEXT
rlmm.config.remote.log.metadata.topic.replication.factor=1
rlmm.config.remote.log.metadata.topic.num.partitions=1
remote.log.manager.task.interval.ms=500
log.retention.check.interval.ms=500
`, filepath.Join(dir, "remote"))})
}

// Remote is the folder that stands for the remote storage of a tiered broker.
func (k *Kafka) Remote() string { return filepath.Join(k.dir, "remote") }

// Data is the folder of the broker's own logs.
func (k *Kafka) Data() string { return filepath.Join(k.dir, "data") }
