package topic_test

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/source/kafka/embedded"
	"github.com/millrace/millrace/source/kafka/topic"
)

// A program declares its topic once, and creates or checks it by that.
func ExampleCheck() {
	broker, err := embedded.Start("")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer broker.Close()
	ctx, brokers := context.Background(), broker.Addrs()

	clicks := topic.Spec{Name: "clicks", Partitions: 4, Retention: topic.Forever}
	if _, err := topic.Create(ctx, brokers, clicks); err != nil {
		fmt.Println(err)
		return
	}
	clicks.Partitions = 8
	report, err := topic.Check(ctx, brokers, clicks)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range report.Findings {
		fmt.Printf("%s: %s is %s\n", f.Severity, f.Name, f.Actual)
	}
	fmt.Println("keeps its history as declared:", report.Keeps())
	// Output:
	// breaks: partitions is 4
	// note: replication is 1
	// keeps its history as declared: false
}
