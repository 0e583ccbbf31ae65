/** Why a measure misses its goal, as profiles showed, and what was tried; by number. Told where it does miss it. */
export const REASONS: Readonly<Record<number, string>> = {
  3: `Beside the decision itself, an entry in the audit's chain (three statements; five before) and one event in the outbox, which is published
meanwhile.`,
  4: `Twenty thousand events are read, locked, learned and noted in a fifth of the time that Node takes to read and acknowledge them: the rival does
nothing else. Brought it from 0.42: arrays instead of JSON (PostgreSQL reads them twice as fast), no look into the inbox for what lies before the
fence, a directory whose indexes don't change with the status, acknowledgements that are encoded once.`,
  5: `A row and the entries of all its indexes take 12 to 17 µs to change, by hand as in a service, where it happens in forty transactions instead of
one. The rest is what by hand leaves out: a receipt of up to 31 lines a person (4.5 KB of JSON, 80 µs to store), counts of what stays, and Node, which
reads events and writes receipts, a quarter of our CPU seconds. Of an account's syncs there are four kinds, each a rule and so a statement of its own,
and a meeting page is rewritten twice. Brought contacts from 2.9 to where it is: changing rows where the owner's index finds them, no longer joined with
their ids (that read the whole table for each batch); one insert into the inbox instead of an insert and an update; parsing its lines once; two batches
at a time, so that Node and PostgreSQL work at once; counting nothing twice; no statement that would find nothing; arrays instead of JSON. Not tried:
receipts in fewer bytes.`,
  6: `The rival carries out the rules' statements and nothing else: no receipt, no inbox, no count. Even the one transaction by hand of measure 5
is only 13 to 16 times as fast as the rival: most of the time goes into rows and indexes, which all have to write.`,
  7: `The rival's jobs do one statement a table for one person, without receipt, inbox or count, ten at a time; Redis has the jobs on the disk
within a second, not at once. Even the one transaction by hand of measure 5 is only two to four times as fast as the rival.`,
  9: `Found and mended: asking at the end whether anything is left had to look at a million dead index entries, a second in which others waited up
to 67 ms again and again (each chunk now passes over those of the one before); and PostgreSQL filled new files of its log with zeros, once a
chunk, for 50 ms (it now keeps a gigabyte of them). What remains is two busy cores: one carries out the chunks, the other the log, the checkpoint, the
writes and Node. Tried without effect: chunks of 50 and of 100 ms instead of 150; twice the shared buffers. Compressed pages in the log: half the
bytes, but chunks a fifth slower.`,
  10: `One in a hundred meets the checkpoint or waits for a core: of two, one carries out the chunks. How many such moments there are varies from run
to run (1.3 to 2.6 times); the median is the same beside the whale. Nothing waits for a lock of the other person's.`,
  11: `Each service asks PostgreSQL 12 to 22 times for a person with rows of all rules (20 to 30 times before: whoever has nothing of a rule is
left out, and who takes over is found and held at once), one after the other; by hand it is one statement a service. A profile of the process in which
all six services of the measure run, on two cores: busy for nine tenths of the time, of which almost half is the system call that sends a statement (0.09 ms on this
virtual machine), a sixth making the statements' texts. In a batch these costs are shared by 500 people. Tried: prepared statements, for every
statement of a connection, took a quarter off. They were left out: a plan made once for everybody is a bad one for a person with millions of rows, and
a migration invalidates it in the middle of a transaction. Not done: several rules in one statement, since each would lose its own span, its time
and its error.`,
  13: `A batch of 500 holds five offenders on the average. The statement that failed is tried with ever fewer people, each time behind a savepoint;
all others of the batch are done with it.`,
  14: `Two to three milliseconds more, whatever there is to count: the statement that counts for all rules has to be planned. Beside ten times the
rows of others it takes as long.`,
  16: `Half a millisecond in one of a hundred cases: identity, the gateway and the measure share a process, in which the garbage collector and the
services' own timers come between. By themselves the measure's runs gave 1.4 to 1.8 times.`,
  17: `A check of who each StaffId is, the upsert by ContactId and the report are part of our side; COPY only appends. One round.`,
  18: `Since a single replica works on two batches at a time, it has both cores of this machine busy; a second replica finds none.`,
  19: `Not profiled. The tables no longer fit into the cache that PostgreSQL has here, and the indexes are deeper.`,
};
