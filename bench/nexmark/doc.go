// Package nexmark is the Nexmark benchmark: an auction house's people, auctions and bids, and queries over them.
//
// Generator makes the events. It is deterministic and makes the same bytes as the generator of Apache Beam's Nexmark suite for the same Config, so results
// can be compared with those of other engines. Source feeds them to a job. Q0 to Q11 are the queries, each a part of a job's graph from the events to
// the query's results; their windows are Beam's, not those of the SQL variants of the suite.
//
// Money is in cents and times are milliseconds since the Unix epoch.
package nexmark
