package embedded_test

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/source/kafka/cluster"
	"github.com/millrace/millrace/source/kafka/embedded"
	"github.com/millrace/millrace/source/kafka/topic"
)

// A broker in memory, gone with the program.
func Example() {
	ctx := context.Background()
	broker, err := embedded.Start("")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close()
	if _, err := topic.Create(ctx, broker.Addrs(), topic.Spec{Name: "clicks", Partitions: 4, Replication: 1}); err != nil {
		fmt.Println(err)
		return
	}
	d, err := topic.Describe(ctx, broker.Addrs(), "clicks", cluster.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Name, d.Partitions)
	// Output: clicks 4
}
