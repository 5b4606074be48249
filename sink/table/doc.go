// Package table describes how a row type becomes columns: once, typed, for every sink that stores columns (postgres, sqlite, CSV, JSON Lines).
//
// A description is a value, made of functions, so nothing is found out by reflection while rows flow:
//
//	var sessions = table.Of(
//		table.Key(table.Text("user_id", func(s Session) string { return s.UserID })),
//		table.Key(table.Int("session_start", func(s Session) int64 { return s.Start })),
//		table.Int("events", func(s Session) int64 { return s.Events }),
//	)
//
// The row type is inferred here and, from here, wherever the description is used: postgres.Upsert(dsn, "sessions_v1", sessions).
package table
