/** Why a measure misses its goal, as profiles showed, and what was tried; by number. Told where it does miss it. */
export const REASONS: Readonly<Record<number, string>> = {
  3: `Beside the decision itself, an entry in the audit's chain and one event in the outbox, which is published meanwhile. Rounds are of a hundred
decisions and vary: with rounds of two hundred it was 1.12 times the day before.`,
  5: `The changes themselves take 1.2 to 1.35 times as long as the statements by hand, in forty transactions instead of one. The rest is what
by hand leaves out: a receipt of up to 31 lines a person (4.5 KB of JSON), counts of what stays, and Node, which reads events and writes
receipts, about a quarter of our CPU seconds. Messaging's conversations and integrations stand out: of an account's syncs there are four kinds,
each a rule and so a statement of its own, and a meeting page is rewritten twice. Brought contacts from 2.9 to where it is: changing rows where
the owner's index finds them, no longer joined with their ids (that read the whole table for each batch); one insert into the inbox instead of
an insert and an update; parsing its lines once (500 people in 60 ms instead of 120); two batches at a time, so that Node and PostgreSQL work at
once; counting nothing twice. Not tried: receipts in fewer bytes.`,
  6: `The rival carries out the rules' statements and nothing else: no receipt, no inbox, no count. Even the one transaction by hand of measure 5
is only about 25 times as fast as the rival: most of the time goes into rows and indexes, which all have to write.`,
  7: `The rival's jobs do one statement a table for one person, without receipt, inbox or count, ten at a time; Redis has the jobs on the disk
within a second, not at once. Even the one transaction by hand of measure 5 is only three to four times as fast as the rival.`,
  9: `One of two cores carries out the chunks, and their pages go through the same shared buffers and the same log as everybody's: a write that
commits while a chunk does waits for the chunk's log to reach the disk. Chunks aim at 150 ms; smaller ones were not tried.`,
  11: `Each service asks PostgreSQL 20 to 30 times for a person with all rules, one after the other, at about 0.4 ms a round trip on this machine
and as much for planning; by hand it is one statement a service. All six services of the measure share one process and two cores, on which they
wait for each other. In a batch these costs are shared by 500 people. Left out since: questions about people of whom nothing was decided before.
Tried: prepared statements, for every statement of a connection, took a quarter off (three services: 47 to 35 ms). They were left out: a plan
made once for everybody is a bad one for a person with millions of rows, and a migration invalidates it in the middle of a transaction.`,
  13: `A batch of 500 holds five offenders on the average. The statement that failed is tried alone with ever fewer people, and the others are
done at the second try: all the work of a batch is done twice.`,
  14: `Two to three milliseconds more, whatever there is to count: the statement that counts for all rules has to be planned. Beside ten times the
rows of others it takes as long.`,
  17: `A check of who each StaffId is, the upsert by ContactId and the report are part of our side; COPY only appends. One round.`,
  18: `Since a single replica works on two batches at a time, it has both cores of this machine busy; a second replica finds none.`,
  19: `Not profiled. The tables no longer fit into the cache that PostgreSQL has here, and the indexes are deeper.`,
};
