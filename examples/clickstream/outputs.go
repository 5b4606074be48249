package main

import (
	"fmt"

	"github.com/millrace/millrace/examples/clickstream/internal/target"
)

// The names that readers use for the tables of the result, unless --sink says otherwise. The table of metrics is called after the one of sessions.
const (
	sessionsTable = "sessions"
	metricsName   = "metrics" // session_metrics, PATH-metrics.csv, TOPIC-metrics
	lateTable     = "late_clicks"
)

var (
	sessionRows = target.Rows[Session]{Columns: sessionColumns, Key: func(s Session) string { return fmt.Sprintf("%s/%d", s.UserID, s.Start) }}
	metricsRows = target.Rows[HourMetrics]{Columns: metricsColumns, Key: func(m HourMetrics) string { return fmt.Sprint(m.WindowStart) }}
	lateRows    = target.Rows[LateClick]{Columns: lateColumns, Key: func(l LateClick) string { return fmt.Sprintf("%s/%d", l.Split, l.Offset) }}
)
