/** Why a measure misses its goal, according to profiles, and what was tried; by number. The document shows it if the goal is missed. */
export const REASONS: Readonly<Record<number, string>> = {
  3: `In addition to the decision itself, our side writes an entry of the audit chain (three statements, formerly five) and one event of the outbox,
which is published at the same time.`,
  4: `Our side reads and locks users, updates the directory and records 20,000 events in the inbox in a fifth of the time that Node needs to read and
acknowledge them; the rival only reads and acknowledges. The ratio was 0.42 before these changes: arrays instead of JSON, which PostgreSQL
reads twice as fast; no inbox lookup for events that are newer than the fence; a directory whose indexes do not change with the status;
acknowledgements that are encoded once.`,
  5: `Changing a row and the entries of all its indexes takes 12 to 17 µs on both sides; a service does it in forty transactions instead of
one. The rest is work that the hand-written side does not do: a receipt of up to 31 lines per user (4.5 KB of JSON, 80 µs to store), counts of the
rows that stay, and Node, which reads events and writes receipts, a quarter of our CPU seconds. Account syncs have four kinds, each a rule
part with a statement of its own, and a meeting page is written twice. Changes that brought contacts from 2.9 to its ratio: rows are changed where the
index of the owner finds them instead of being joined with their ids, which read the whole table for each batch; one insert into the inbox instead of
an insert and an update; receipt lines are parsed once; two batches at a time, so that Node and PostgreSQL work at the same time; nothing is counted
twice; statements that would find nothing are left out; arrays instead of JSON. Not tried: smaller receipts.`,
  6: `The rival only runs the statements of the rules: it writes no receipt and no inbox row and counts nothing. Even the hand-written transaction
of measure 5 is only 13 to 16 times as fast as the rival, because most of the time goes into rows and indexes, which every side has to write.`,
  7: `The rival's jobs run one statement per table for one user, ten jobs at a time, without receipt, inbox or counts. Redis writes the jobs to
disk within a second, not at once. Even the hand-written transaction of measure 5 is only two to four times as fast as the rival.`,
  9: `Two causes were found and removed. The last check for remaining rows read a million dead index entries, and others repeatedly waited up to
67 ms during that second; now each chunk skips the entries of the chunk before. PostgreSQL filled new WAL files with zeros, once per chunk, for
50 ms; it now keeps a gigabyte of them. What remains is two busy cores: one runs the chunks, the other the WAL, the checkpoint, the writes and Node.
Without effect: chunks of 50 and of 100 ms instead of 150; twice the shared buffers. Compressed pages in the WAL halved the bytes, but made chunks a
fifth slower.`,
  10: `One departure in a hundred coincides with the checkpoint or waits for a core: one of the two runs the chunks. How often that happens differs
from run to run (1.3 to 2.6 times); the median is about the same as when idle. No departure waits for a lock of the other user's departure.`,
  11: `For a user with rows of all rules, each service sends 12 to 22 statements to PostgreSQL, one after another; the hand-written side sends one per
service. It was 20 to 30 before rules without rows were skipped and successors were found and locked in one statement. In a profile of the process that
runs all six services of this measure on two cores, the process is busy nine tenths of the time. Almost half of that is the system call that sends a
statement (0.09 ms on this virtual machine), a sixth is building the text of the statements. In a batch, 500 users share these costs. Tried:
prepared statements for every statement of a connection reduced the time by a quarter. They were not kept, because a plan made once for all users is a bad one for
a user with millions of rows, and a migration invalidates it in the middle of a transaction. Not done: several rules in one statement, because each
would lose its own span, its time and its error.`,
  13: `A batch of 500 contains five failing users on average. The statement that failed is tried with ever fewer users, each time behind a savepoint;
all other users of the batch are finished with it.`,
  14: `Planning the one statement that counts for all rules takes two to three milliseconds, whatever there is to count. With ten times as many rows
of other users it takes as long.`,
  16: `The difference is half a millisecond in one case of a hundred: identity, the gateway and the measure share a process, where the garbage
collector and the timers of the services interrupt. Runs of this measure alone gave 1.4 to 1.8 times.`,
  17: `Our side also checks which user each StaffId is, upserts by ContactId and writes the report; COPY only appends. One round.`,
  18: `A single replica works on two batches at a time and so keeps both cores of this machine busy. A second replica finds no free core.`,
  19: `Not profiled. The tables no longer fit into the cache that PostgreSQL has here, and the indexes are deeper.`,
};
