package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/millrace/millrace/source/kafka"
)

// The values of --from that are not a time.
const (
	fromEarliest  = "earliest"
	fromLatest    = "latest"
	fromCommitted = "committed"
)

// instant reads the value of a flag that is a time. Words are what else the flag takes, for the error: "earliest, ".
func instant(flag, text, words string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%s %s: use %sa time such as 2024-03-01T00:00:00Z", flag, text, words)
	}
	return t, nil
}

// parseShare reads 10% or 0.1.
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(number, 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 1) {
		return 0, errors.New("use a share of 0% to 100%, or 0 to 1")
	}
	return n, nil
}

// part is the part of the topic between --from, earliest or a time, and --to, a time or "" for what is the end of the topic now.
func part(from, to string) ([]kafka.Option, error) {
	options := []kafka.Option{kafka.UntilEnd()}
	if from != fromEarliest {
		t, err := instant("--from", from, fromEarliest+", or ")
		if err != nil {
			return nil, err
		}
		options = append(options, kafka.StartFrom(kafka.Timestamp(t)))
	}
	if to != "" {
		t, err := instant("--to", to, "")
		if err != nil {
			return nil, err
		}
		options = append(options, kafka.UntilTime(t))
	}
	return options, nil
}
