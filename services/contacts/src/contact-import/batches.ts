import type { RejectedRow } from '#libs/contracts';
import { BadFile } from '#libs/csv';
import { readHeading, type Heading } from './heading.js';
import { readRow, type ImportedRow } from './rows.js';

/** Rows of one file that are imported in one transaction. */
export interface Batch {
  /** Number of rows of the file before this batch. */
  from: number;
  to: number;
  rows: ImportedRow[];
  rejected: RejectedRow[];
}

export interface Columns {
  name: boolean;
  phone: boolean;
  email: boolean;
}

export interface BatchOptions {
  userIdField: string | null;
  /** Number of rows to skip because they have been processed already. */
  from: number;
  size: number;
}

/**
 * Yields the rows after `from` in batches of `size` rows.
 * @throws BadFile if the file is empty or its header row is not usable
 */
export async function* readBatches(
  records: AsyncIterable<string[][]>,
  { userIdField, from, size }: BatchOptions,
): AsyncGenerator<Batch & { columns: Columns }> {
  let heading: Heading | undefined;
  let row = 0;
  let batch = emptyBatch(from);
  for await (const some of records) {
    for (const record of some) {
      if (!heading) {
        heading = readHeading(record, userIdField);
        continue;
      }
      if (++row <= from) continue;
      const read = readRow(record, heading, row);
      if ('reason' in read) batch.rejected.push(read);
      else batch.rows.push(read);
      batch.to = row;
      if (batch.to - batch.from < size) continue;
      yield { ...batch, columns: columnsOf(heading) };
      batch = emptyBatch(row);
    }
  }
  if (!heading) throw new BadFile('The file is empty.');
  if (batch.to > batch.from) yield { ...batch, columns: columnsOf(heading) };
}

const emptyBatch = (from: number): Batch => ({ from, to: from, rows: [], rejected: [] });

const columnsOf = ({ name, phone, email }: Heading): Columns => ({
  name: name !== undefined,
  phone: phone !== undefined,
  email: email !== undefined,
});
