/** Why a measure misses its goal, as profiles showed, and what was tried; by number. Told where it does miss it. */
export const REASONS: Readonly<Record<number, string>> = {
  5: `The changes themselves take 1.2 to 1.35 times as long as the statements by hand, in forty transactions instead of one. The rest is what
by hand leaves out: a receipt of up to 31 lines a person (4.5 KB of JSON, of which PostgreSQL spends most of its time parsing), counts of what
stays, and Node, which reads events and writes receipts, about a quarter of our CPU seconds. Brought it from 2.9 to 1.4–1.9: changing rows
where the owner's index finds them, no longer joined with their ids (that read the whole table for each batch); one insert into the inbox
instead of an insert and an update; two batches at a time, so that Node and PostgreSQL work at once; counting nothing twice. Not tried: receipts
in fewer bytes.`,
  6: `The rival carries out the rules' statements and nothing else: no receipt, no inbox, no count. Beside it we do what measure 5 says.`,
  7: `The rival's jobs do one statement a table for one person, without receipt, inbox or count, ten at a time; Redis has the jobs on the disk within a second, not at once.`,
  9: `One of two cores carries out the chunks, and their pages go through the same shared buffers and the same log as everybody's. The median
write takes 1.5 times as long. Chunks aim at 150 ms; smaller ones were not tried.`,
  11: `Each service asks PostgreSQL 20 to 30 times for a person with all rules, one after the other, at about 0.4 ms a round trip on this machine
and as much for planning; by hand it is one statement a service. In a batch these costs are shared by 500 people. Left out since: questions
about people of whom nothing was decided before. Not tried: all changes of a person in one statement.`,
  13: `A batch of 500 holds five offenders on the average. It was done in halves until they were alone, which did most work five times over. Since
this was written down once, the statement that failed is tried alone with ever fewer people, and the others are done at the second try.`,
  14: `Two to three milliseconds more, whatever there is to count: the statement that counts for all rules has to be planned. Beside ten times the
rows of others it takes as long.`,
  17: `A check of who each StaffId is, the upsert by ContactId and the report are part of our side; COPY only appends. One round.`,
  18: `Since a single replica works on two batches at a time, it has both cores of this machine busy; a second replica finds none.`,
  19: `Not profiled. The tables no longer fit into the cache that PostgreSQL has here, and the indexes are deeper.`,
};
