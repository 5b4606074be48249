package servers

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	kafkaStartTimeout = 90 * time.Second
	kafkaStopTimeout  = 20 * time.Second
)

// Kafka is a running one-node Apache Kafka in KRaft mode. Its methods are for one goroutine at a time.
type Kafka struct {
	Plaintext string // bootstrap address without encryption or authentication
	SASL      string // bootstrap address of the SASL_SSL listener (SCRAM-SHA-256, SCRAM-SHA-512 and PLAIN)
	CA        string // path of the certificate (PEM) that signed the SASL_SSL listener's
	User      string // a user of the SASL_SSL listener
	Password  string
	Log       string // path of the server's log

	dir, libs, properties string
	proc                  *process
}

// StartKafka starts a broker that keeps everything in dir, which must exist and be empty, and waits until it answers. The jars are fetched on first use.
func StartKafka(ctx context.Context, dir string) (*Kafka, error) {
	libs, err := installKafka(ctx)
	if err != nil {
		return nil, err
	}
	return startKafka(ctx, dir, libs, "")
}

// startKafka starts the broker whose jars are in libs, with settings beside those that all have.
func startKafka(ctx context.Context, dir, libs, settings string) (*Kafka, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("Kafka's directory: %w", err)
	}
	ports, err := freePorts(3)
	if err != nil {
		return nil, err
	}
	certs, err := makeCertificates(dir)
	if err != nil {
		return nil, err
	}
	password := make([]byte, 12)
	if _, err := rand.Read(password); err != nil {
		return nil, fmt.Errorf("password of the test user: %w", err)
	}
	k := &Kafka{
		Plaintext: fmt.Sprintf("127.0.0.1:%d", ports[0]), SASL: fmt.Sprintf("127.0.0.1:%d", ports[1]),
		CA: certs.ca, User: "millrace", Password: hex.EncodeToString(password), Log: filepath.Join(dir, "kafka.log"),
		dir: dir, libs: libs, properties: filepath.Join(dir, "server.properties"),
	}
	if err := os.WriteFile(k.properties, append(k.config(ports[2], certs), settings...), 0o600); err != nil {
		return nil, fmt.Errorf("Kafka's configuration: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "log4j2.properties"), kafkaLogging, 0o644); err != nil {
		return nil, fmt.Errorf("Kafka's logging configuration: %w", err)
	}
	if err := k.format(ctx); err != nil {
		return nil, err
	}
	return k, k.Start(ctx)
}

func (k *Kafka) config(controllerPort int, certs certificates) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:%[1]d
listeners=PLAINTEXT://%[2]s,SECURE://%[3]s,CONTROLLER://127.0.0.1:%[1]d
advertised.listeners=PLAINTEXT://%[2]s,SECURE://%[3]s
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURE:SASL_SSL
listener.name.secure.sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.secure.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
listener.name.secure.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_%[4]s="%[5]s";
listener.name.secure.ssl.keystore.type=PEM
listener.name.secure.ssl.keystore.location=%[6]s
log.dirs=%[7]s
num.partitions=4
`, controllerPort, k.Plaintext, k.SASL, k.User, k.Password, certs.keystore, filepath.Join(k.dir, "data"))
	b.WriteString(`offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.retention.ms=-1
log.message.timestamp.before.max.ms=9223372036854775807
log.message.timestamp.after.max.ms=9223372036854775807
log.cleaner.backoff.ms=200
log.initial.task.delay.ms=500
message.max.bytes=33554432
auto.create.topics.enable=false
`)
	return b.Bytes()
}

func (k *Kafka) java(ctx context.Context, args ...string) *exec.Cmd {
	cp := filepath.Join(k.libs, "*")
	cmd := exec.CommandContext(ctx, "java", append([]string{"-Xms256m", "-Xmx768m", "-XX:+UseSerialGC",
		"-Dlog4j2.configurationFile=" + filepath.Join(k.dir, "log4j2.properties"), "-cp", cp}, args...)...)
	cmd.Dir = k.dir
	return cmd
}

func (k *Kafka) format(ctx context.Context) error {
	id := make([]byte, 16)
	if _, err := rand.Read(id); err != nil {
		return fmt.Errorf("Kafka's cluster id: %w", err)
	}
	id[0] &= 0x7f // an id that begins with "-" would be taken for an option
	cmd := k.java(ctx, "kafka.tools.StorageTool", "format", "-t", base64.RawURLEncoding.EncodeToString(id), "-c", k.properties,
		"--add-scram", fmt.Sprintf("SCRAM-SHA-512=[name=%s,password=%s]", k.User, k.Password),
		"--add-scram", fmt.Sprintf("SCRAM-SHA-256=[name=%s,password=%s]", k.User, k.Password))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("formatting Kafka's storage in %s (is java 17 or newer installed?): %w\n%s", k.dir, err, out)
	}
	return nil
}

// Start starts a stopped or killed broker on the same ports and data, and waits until it answers.
func (k *Kafka) Start(ctx context.Context) error {
	if k.proc != nil {
		return errors.New("Kafka is already running: stop it first")
	}
	log, err := os.OpenFile(k.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("Kafka's log: %w", err)
	}
	defer log.Close()
	cmd := k.java(context.WithoutCancel(ctx), "kafka.Kafka", k.properties)
	cmd.Stdout, cmd.Stderr = log, log
	if k.proc, err = startProcess(cmd); err != nil {
		return fmt.Errorf("starting Kafka: %w", err)
	}
	if err := k.await(ctx); err != nil {
		_ = k.Kill() // the start's error is the one to report
		return fmt.Errorf("%w\n%s", err, tail(k.Log, 4000))
	}
	return nil
}

// await dials the secure listener, which opens with the plaintext one.
func (k *Kafka) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, kafkaStartTimeout)
	defer cancel()
	for {
		ready := 0
		for _, addr := range []string{k.Plaintext, k.SASL} {
			if c, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
				c.Close()
				ready++
			}
		}
		if ready == 2 {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("Kafka did not listen on %s and %s in time: %w", k.Plaintext, k.SASL, ctx.Err())
		case <-k.proc.exited:
			return fmt.Errorf("Kafka ended while starting: %s", k.proc.cmd.ProcessState)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Stop ends the broker in order, and kills it if that takes too long. Stopping a stopped broker does nothing.
func (k *Kafka) Stop() error {
	if k.proc == nil {
		return nil
	}
	err := k.proc.stop(kafkaStopTimeout)
	k.proc = nil
	return err
}

// Kill ends the broker as kill -9 does. Start brings it back.
func (k *Kafka) Kill() error {
	if k.proc == nil {
		return nil
	}
	err := k.proc.kill()
	k.proc = nil
	return err
}

// Restart stops the broker in order and starts it again on the same ports and data.
func (k *Kafka) Restart(ctx context.Context) error {
	if err := k.Stop(); err != nil {
		return err
	}
	return k.Start(ctx)
}

// PID is the process of the broker, for measuring it.
func (k *Kafka) PID() int { return k.proc.cmd.Process.Pid }
