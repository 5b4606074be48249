package registry_test

import (
	"context"
	"fmt"

	"github.com/millrace/millrace/codec"
	"github.com/millrace/millrace/codec/registry"
	"github.com/millrace/millrace/codec/registry/embedded"
	pb "github.com/millrace/millrace/examples/clickstream/clickstreampb"
	"github.com/millrace/millrace/source"
	"github.com/millrace/millrace/source/kafka"
)

// clickSource reads clicks from a topic whose schemas are in a registry.
func clickSource(ctx context.Context, brokers []string, topic, url string) (source.Source[*pb.ClickEvent], error) {
	client, err := registry.New(url)
	if err != nil {
		return nil, err
	}
	decoder := registry.NewDecoder(client, codec.Proto[*pb.ClickEvent]())
	if _, err := decoder.Check(ctx, topic); err != nil { // every version that the topic may hold
		return nil, err
	}
	return kafka.Source(brokers, topic, decoder), nil
}

func ExampleNewDecoder() {
	r, err := embedded.Start("")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	clicks, err := clickSource(context.Background(), []string{"localhost:9092"}, "clicks", r.URL())
	fmt.Println(clicks, err)
	// Output: kafka topic=clicks <nil>
}

func ExampleNewEncoder() {
	r, err := embedded.Start("")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer r.Close()
	client, err := registry.New(r.URL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()
	encoder := registry.NewEncoder(client, codec.Proto[*pb.ClickEvent](), "clicks")
	value, err := encoder.Append(nil, &pb.ClickEvent{UserId: "ann"})
	fmt.Printf("% x %v\n", value, err)
	// Output: 00 00 00 00 01 00 0a 03 61 6e 6e <nil>
}
