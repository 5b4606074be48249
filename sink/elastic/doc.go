// Package elastic upserts rows into an index of Elasticsearch (7.17, 8) or OpenSearch (2).
//
// A row is a document whose id is made of the key columns (see below), so that writing it again replaces it and a superseded row can be deleted by its key alone. A batch is
// one bulk request, or several where it is large: first what is new, then what is to go. A bulk request is no transaction. A reader may for a moment see a row together
// with those that replace it, and after a failure a part of the batch is there until the engine repeats it: the whole batch, which is the same as repeating what failed,
// since ids and documents are the same. Of several rows with one key in a batch the last counts.
//
// # Visibility
//
// What Write returned for is durable (in the translog of the primary and its replicas) and becomes searchable with the index's next refresh: within its
// refresh_interval, a second by default, and when the Writer closes, so that whoever reads after the job has ended sees all of it. Refresh changes that.
//
// # The index
//
// A missing index is made, with a mapping of these columns alone and "dynamic": "strict": a field that the columns do not describe is refused, not guessed. One that exists is
// compared with the columns and may have further fields. It must not be an alias: readers use an alias, jobs write to the index of one version. An index that is deleted
// while the job runs is an error, although the server would make another at once, with guessed types.
//
// Text is keyword, integers long, floats double, booleans boolean, bytes keyword in hexadecimal, times date in UTC. A text longer than 8191 characters is stored but not
// found by its value, as an index has no longer terms; in a key the server refuses it. A date is searched and sorted by the millisecond; the stored document keeps the
// microsecond. JSON has no NaN, no infinity and no invalid UTF-8: such a row is an error.
//
// # Document ids
//
// An id is the values of the key in the order of the columns, joined by commas: u1,1709251200000. In text, letters, digits and other printable characters beyond ASCII stay
// as they are, and so do - _ . : @ + =; every other byte is ~ and two hexadecimal digits, and an empty text is ~ alone. So different keys have different ids, and an id can
// stand in a URL. An id of more than 512 bytes, which the servers refuse, is cut short and ends in ~~ and the SHA-256 of the whole.
//
// # Failures
//
// A lost connection, a timeout, 429 (too busy) and whatever the server says in the 500s is an error that the engine retries, for single documents as for whole
// requests. A document that the server refuses for what is in it fails the job with the row's key, the server's reason and the field it names.
//
// Documents carry no external version. Writes of one key come from one Writer, one after the other, so the last one is the newest. What could break that is a request
// whose answer was lost, and which the server carries out after its successor. After such a loss, and when it is opened, a Writer therefore asks the server for its own
// earlier requests (_tasks, by X-Opaque-Id) and waits until they have ended. A version taken from a clock would instead lose rows without a word when a clock goes back.
// A server that does not let the user see tasks is taken at its word that there are none.
//
// # Client
//
// Requests are made with net/http. The official clients refuse each other's servers, while the handful of endpoints used here are the same in all of them; and retries,
// batches and backoff are the engine's.
package elastic
