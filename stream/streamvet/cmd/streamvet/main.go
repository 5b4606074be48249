// Command streamvet finds what keeps the results of stream jobs from being a function of their logs; see package streamvet.
//
//	streamvet [packages]
package main

import (
	"golang.org/x/tools/go/analysis/singlechecker"

	"github.com/millrace/millrace/stream/streamvet"
)

func main() { singlechecker.Main(streamvet.Analyzer) }
