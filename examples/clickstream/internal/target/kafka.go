package target

var kafkaKind = kind{
	name: "kafka", form: "kafka:TOPIC", help: "a topic of the same cluster, JSON keyed by user and start; TOPIC may hold {version}",
	shared:   true,
	parse:    func(_, rest string) (path, table string, err error) { return rest, "", nil },
	beside:   func(path, name string) string { return path + "-" + name },
	describe: func(path string) string { return "topic " + path },
}

// Topic is the Kafka topic that the rows go to; "" for any other kind.
func (t Target) Topic() string {
	if t.Kind != kafkaKind.name {
		return ""
	}
	return t.Path
}
