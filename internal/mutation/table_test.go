package mutation

// mutant is a safeguard taken away.
type mutant struct {
	safeguard string
	file      string // from the module's root
	text      string // once in the file
	instead   string
	pkg       string // of the test
	test      string // that fails without the safeguard
	quick     bool   // for every run: its package builds in a moment
	flag      string // for the test, if any
}

var mutants = []mutant{
	// Event time.
	{
		safeguard: "a record is judged by its origin watermark", file: "internal/windowing/operator.go",
		text: "	now := max(origin, o.watermark)\n", instead: "	now := o.watermark\n",
		pkg: "internal/windowing", test: "TestRecordsAreJudgedByTheirOrigin", quick: true,
	},
	{
		safeguard: "timers before records, in windows", file: "internal/windowing/operator.go",
		text: "		for o.Store.Deadline(e, o.domain) <= origin {", instead: "		for false && o.Store.Deadline(e, o.domain) <= origin {",
		pkg: "internal/windowing", test: "TestTimersBeforeRecords",
	},
	{
		safeguard: "timers before records, in functions", file: "stream/keyedprocess.go",
		text: "		for o.store.Deadline(e, keyed.EventTime) <= m.Origin {", instead: "		for false && o.store.Deadline(e, keyed.EventTime) <= m.Origin {",
		pkg: "stream", test: "TestFunctionsEmitTheSame",
	},
	{
		safeguard: "sessions run a millisecond behind", file: "internal/windowing/operator.go",
		text: "	if o.merging {\n		return flow.Behind(w)\n", instead: "	if false {\n		return flow.Behind(w)\n",
		pkg: "internal/windowing", test: "TestSessionsRunAMillisecondBehind", quick: true,
	},
	{
		safeguard: "a closed session does not merge", file: "internal/windowing/operator.go",
		text: "			if !l.Touches(w) || o.closing(l.TimeWindow) <= now {", instead: "			if !l.Touches(w) {",
		pkg: "internal/windowing", test: "TestClosedSessionsDoNotMerge",
	},
	{
		safeguard: "a merged session is taken back", file: "internal/windowing/operator.go",
		text: "	into.shown = append(into.shown, from.shown...)\n", instead: "	into.shown = append(into.shown, from.shown[:0]...)\n",
		pkg: "internal/windowing", test: "TestMergedSessionsAreTakenBack",
	},
	{
		safeguard: "the guard against far future timestamps", file: "internal/runtime/source.go",
		text: "if r.Timestamp != source.NoTimestamp && m.Timestamp > ", instead: "if false && r.Timestamp != source.NoTimestamp && m.Timestamp > ",
		pkg: "stream", test: "TestFarFutureIsQuarantined",
	},
	// Checkpoints.
	{
		safeguard: "a commit is synced", file: "state/pebble/backend.go",
		text: "	write := pebble.Sync\n", instead: "	write := pebble.NoSync\n",
		pkg: "state/pebble", test: "TestPowerLoss",
	},
	{
		safeguard: "barriers are aligned", file: "internal/runtime/receiver.go",
		text: "	if r.barrier != 0 && r.passed[b.Lane] {\n		r.aside = append(r.aside, b)\n", instead: "	if false {\n		r.aside = append(r.aside, b)\n",
		pkg: "stream", test: "TestLedgerBalancesAtEveryCheckpoint",
	},
	{
		safeguard: "a large batch holds up nothing", file: "internal/runtime/receiver.go",
		text: "	n := min(portionRecords, len(records))", instead: "	n := len(records)",
		pkg: "stream", test: "TestALargeBatchHoldsUpNothing",
	},
	{
		safeguard: "the position is stored with the state", file: "internal/runtime/addsource.go",
		text: "			Number: split.Number, Position: s.position,", instead: "			Number: split.Number, Position: saved.Position,",
		pkg: "stream", test: "TestPositionGoesWithTheState",
	},
	{
		safeguard: "the checkpoint has each split's watermark", file: "internal/runtime/addsource.go",
		text: "fetched: make(chan reading[T], 1), watermark: saved.Watermark,", instead: "fetched: make(chan reading[T], 1), watermark: math.MinInt64,",
		pkg: "stream", test: "TestLateStaysLateAfterARestart",
	},
	{
		safeguard: "a paused source lets barriers through", file: "internal/runtime/source.go",
		text: "	return s.wait(paused, nil, moved, pausePoll, time.Time{})\n", instead: "	<-moved\n	return false, nil\n",
		pkg: "stream", test: "TestAlignment",
	},
	{
		safeguard: "the last checkpoint says that a split has ended", file: "internal/runtime/addsource.go",
		text: "			Finished: s.watermark == math.MaxInt64,", instead: "			Finished: false,",
		pkg: "stream", test: "TestFinishedJob",
	},
	{
		safeguard: "rows that are prepared are part of the checkpoint", file: "internal/runtime/sink.go",
		text: "sinkMeta{o.pending})", instead: "sinkMeta{o.pending[:0]})",
		pkg: "stream", test: "TestLastCommitIsMadeUpFor",
	},
	// Keyed state.
	{
		safeguard: "an entry stays in memory until its batch is committed", file: "internal/keyed/budget.go",
		text: "bool { return e.mark != 0 || e.encoded > s.durable }", instead: "bool { return e.mark != 0 }",
		pkg: "internal/keyed", test: "TestStoreAgainstModel",
	},
	{
		safeguard: "an entry counts as held until its batch is committed", file: "internal/keyed/snapshot.go",
		text: "	s.flying++\n", instead: "",
		pkg: "internal/keyed", test: "TestWhatIsHeldCountsUntilItIsCommitted", quick: true,
	},
	{
		safeguard: "a key that was not in the backend may be there once entries leave memory", file: "internal/keyed/budget.go",
		text: "	s.fetch.absent = s.fetch.absent[:0]\n", instead: "",
		pkg: "internal/keyed", test: "TestFetch", quick: true,
	},
	{
		safeguard: "a task whose changes fill the memory waits for the commit", file: "internal/runtime/task.go",
		text: "	if full {\n", instead: "	if full && false {\n",
		pkg: "stream", test: "TestMemoryIsBoundedWhereKeysChangeFasterThanCommits",
	},
	{
		safeguard: "an entry that is touched before its turn is encoded first", file: "internal/keyed/store.go",
		text: "			return e, s.ahead(e)\n", instead: "			return e, nil\n",
		pkg: "internal/keyed", test: "TestStoreAgainstModel", quick: true,
	},
	{
		safeguard: "a key's partition is checked", file: "stream/keyby.go",
		text: "want != sp.Partition {", instead: "false && want != sp.Partition {",
		pkg: "stream", test: "TestPartitionCountMayNotChange",
	},
	{
		safeguard: "a key's one split is checked", file: "stream/keyby.go",
		text: "			switch e.Split {\n			case m.Split:\n", instead: "			switch e.Split {\n			default:\n				return nil\n			case m.Split:\n",
		pkg: "stream", test: "TestOneSplitPerKeyIsChecked",
	},
	// Results.
	{
		safeguard: "one row for a key in a batch", file: "sink/table/last.go",
		text: "			e.row = row\n", instead: "			_ = row\n",
		pkg: "sink/table", test: "TestLastAgainstMap", quick: true, flag: "-rapid.nofailfile", // the package stays as it is
	},
	{
		safeguard: "a deletion goes with what replaces it", file: "internal/runtime/sink.go",
		text: "	if len(o.batch) < o.full || m.More {", instead: "	if len(o.batch) < o.full {",
		pkg: "stream", test: "TestSupersededRowsGoWithTheirSuccessor",
	},
	{
		safeguard: "the ledger counts what windows took", file: "internal/windowing/operator.go",
		text: "		o.Book.End(m, ledger.Used)\n", instead: "		_ = ledger.Used\n",
		pkg: "stream", test: "TestLedgerClasses",
	},
	{
		safeguard: "a run whose ledger does not balance fails", file: "stream/job.go",
		text: "		err = l.Balanced()\n", instead: "		_ = l.Balanced()\n",
		pkg: "stream", test: "TestUnbalancedLedger",
	},
	// Transactions.
	{
		safeguard: "a checkpoint is pending before its transaction is committed", file: "internal/runtime/transactions.go",
		text: "	if err := store(pending); err != nil {\n", instead: "	if err := func() error { _ = pending; return nil }(); err != nil {\n",
		pkg: "stream", test: "TestExactlyOnceWhateverFails",
	},
	{
		safeguard: "the marker of a pending checkpoint applies it", file: "internal/runtime/settle.go",
		text: "	case e.Pending != \"\" && marker == e.Pending:\n", instead: "	case false:\n",
		pkg: "stream", test: "TestExactlyOnceWhateverFails",
	},
	{
		safeguard: "an older instance does not take its transactional id back", file: "sink/kafka/transactor.go",
		text: "		if now != before && !expired {\n", instead: "		if false {\n",
		pkg: "sink/kafka", test: "TestOlderInstanceDoesNotComeBack",
	},
}
