package registry

import (
	"fmt"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// SubjectStrategy names the subject that a topic's values of a message are registered under.
type SubjectStrategy func(topic string, message protoreflect.FullName) string

// TopicName is TOPIC-value: one message a topic. It is the default here and everywhere else.
func TopicName(topic string, _ protoreflect.FullName) string { return topic + "-value" }

// RecordName is the message's full name: one schema for the message wherever it is.
func RecordName(_ string, message protoreflect.FullName) string { return string(message) }

// TopicRecordName is TOPIC-MESSAGE: several messages in a topic, each evolving by itself.
func TopicRecordName(topic string, message protoreflect.FullName) string {
	return topic + "-" + string(message)
}

// ParseStrategy reads the name of a strategy as flags have it: topic, record or topic-record.
func ParseStrategy(name string) (SubjectStrategy, error) {
	switch name {
	case "topic":
		return TopicName, nil
	case "record":
		return RecordName, nil
	case "topic-record":
		return TopicRecordName, nil
	}
	return nil, fmt.Errorf("subject strategy %q: use topic, record or topic-record", name)
}
