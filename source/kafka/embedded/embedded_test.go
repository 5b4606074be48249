package embedded_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/stretchr/testify/require"

	"github.com/millrace/millrace/source/kafka/embedded"
	"github.com/millrace/millrace/source/kafka/topic"
)

// TestMain lets the test program serve a directory as another process.
func TestMain(m *testing.M) {
	if dir := os.Getenv("EMBEDDED_TEST_SERVE"); dir != "" {
		b, err := embedded.Start(dir)
		if err != nil {
			fmt.Println("error:", err)
			os.Exit(1)
		}
		fmt.Println(b.Addrs()[0])
		time.Sleep(time.Minute) // until the test kills it
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func write(t *testing.T, addrs []string, name string, n int) {
	conf := sarama.NewConfig()
	conf.Producer.Return.Successes = true
	conf.Producer.RequiredAcks = sarama.WaitForAll
	p, err := sarama.NewSyncProducer(addrs, conf)
	require.NoError(t, err)
	defer p.Close()
	for i := range n {
		_, _, err := p.SendMessage(&sarama.ProducerMessage{Topic: name, Value: sarama.StringEncoder(fmt.Sprint(i))})
		require.NoError(t, err)
	}
}

func end(t *testing.T, addrs []string, name string) int64 {
	c, err := sarama.NewClient(addrs, nil)
	require.NoError(t, err)
	defer c.Close()
	n, err := c.GetOffset(name, 0, sarama.OffsetNewest)
	require.NoError(t, err)
	return n
}

func TestDataAndPortSurvive(t *testing.T) {
	dir := t.TempDir()
	b, err := embedded.Start(dir)
	require.NoError(t, err)
	require.True(t, b.Served())
	addrs := b.Addrs()
	_, err = topic.Create(t.Context(), addrs, topic.Spec{Name: "t", Partitions: 1})
	require.NoError(t, err)
	write(t, addrs, "t", 10)
	require.NoError(t, b.Close())
	require.NoError(t, b.Close())

	b, err = embedded.Start(dir, embedded.SyncWrites())
	require.NoError(t, err)
	defer b.Close()
	require.Equal(t, addrs, b.Addrs())
	require.EqualValues(t, 10, end(t, addrs, "t"))
}

func TestSecondAttachesAndTakesOver(t *testing.T) {
	dir := t.TempDir()
	first, err := embedded.Start(dir)
	require.NoError(t, err)
	second, err := embedded.Start(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, second.Close()) }()
	require.False(t, second.Served())
	require.Equal(t, first.Addrs(), second.Addrs())
	_, err = topic.Create(t.Context(), second.Addrs(), topic.Spec{Name: "t", Partitions: 1})
	require.NoError(t, err)
	write(t, second.Addrs(), "t", 3)
	require.NoError(t, first.Close())
	require.Eventually(t, second.Served, 5*time.Second, 10*time.Millisecond)
	require.EqualValues(t, 3, end(t, second.Addrs(), "t"))

	third, err := embedded.Start(dir)
	require.NoError(t, err)
	require.False(t, third.Served())
	require.NoError(t, third.Close(), "an attached broker that never served closes too")
}

func TestTakesOverFromAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "EMBEDDED_TEST_SERVE="+dir)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	b, err := embedded.Start(dir)
	require.NoError(t, err)
	defer b.Close()
	require.False(t, b.Served())
	require.Equal(t, line, b.Addrs()[0]+"\n")
	_, err = topic.Create(t.Context(), b.Addrs(), topic.Spec{Name: "t", Partitions: 1})
	require.NoError(t, err)
	write(t, b.Addrs(), "t", 100)
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
	require.Eventually(t, b.Served, 5*time.Second, 10*time.Millisecond)
	require.EqualValues(t, 100, end(t, b.Addrs(), "t"), "what was acknowledged survives kill -9")
}

func TestInMemory(t *testing.T) {
	a, err := embedded.Start("")
	require.NoError(t, err)
	defer a.Close()
	b, err := embedded.Start("")
	require.NoError(t, err)
	defer b.Close()
	require.NotEqual(t, a.Addrs(), b.Addrs())
}
