// Package postgres upserts rows into a PostgreSQL table.
//
// A batch is one statement of arrays (INSERT ... SELECT FROM unnest ... ON CONFLICT DO UPDATE) and, where rows were superseded, one DELETE before it, in one transaction
// and one round trip. Of several rows with one key in a batch the last counts. When Write returns, the rows are as durable as the server's synchronous_commit makes them.
//
// Each Writer has a connection of its own. A lost connection, a restarting or overloaded server, a deadlock or a serialization failure is an error that the engine
// retries; the next Write connects again. Whatever else the server refuses names the table, the row's key and, where it can be known, the column.
//
// Text is TEXT, integers BIGINT, floats DOUBLE PRECISION, booleans BOOLEAN, bytes BYTEA, times TIMESTAMPTZ. PostgreSQL has no text with a zero byte or invalid UTF-8: such
// a row is an error.
package postgres
