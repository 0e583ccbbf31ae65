import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { BULK_MAX, Problem, type NamedSuccessors, type ProblemCode } from '#libs/contracts';
import { BadFile, readCells, readRecords, Titles, type Cell } from '#libs/csv';
import { sql } from 'kysely';
import { SuccessorWords } from './successor-words.js';

/** A row of a bulk departure. `userId` is null if the account has no user with the staff id. */
export interface NamedRow {
  userId: string | null;
  successors?: NamedSuccessors;
  /** What is wrong with the row itself. */
  fault?: RowFault;
}

export interface RowFault {
  code: ProblemCode;
  detail: string;
}

const WHO = 'staffId';
const SUCCESSOR = 'successorStaffId';

/** The words in a row, or what is wrong with it. */
type FileRow = { who: Cell; successor: Cell } | { fault: RowFault };

interface Columns {
  width: number;
  who: number;
  successor?: number;
}

/** Reads lists of staff ids. */
@Injectable()
export class BulkFiles {
  constructor(
    private readonly em: EntityManager,
    private readonly words: SuccessorWords,
  ) {}

  /**
   * At most one row more than a bulk departure may have.
   * @throws Problem `validation` for a text that is no CSV, or whose heading lacks `staffId` or is ambiguous
   */
  async read(accountId: string, csv: string): Promise<NamedRow[]> {
    const rows = await readRows(csv);
    const users = await this.usersBy(
      accountId,
      rows.flatMap((row) => ('fault' in row ? [] : [row.who ?? [], row.successor ?? []].flat())),
    );
    const named = [...new Set(rows.flatMap((row) => ('fault' in row ? [] : (row.successor ?? []))))];
    const choices = await this.words.choices(accountId, named, users);
    return rows.map((row) => {
      if ('fault' in row) return { userId: null, fault: row.fault };
      const userId = (row.who && users.get(row.who)) ?? null;
      const successor = row.successor ? choices.get(row.successor) : undefined;
      return successor === undefined ? { userId } : { userId, successors: { default: successor } };
    });
  }

  private async usersBy(accountId: string, staffIds: readonly string[]): Promise<Map<string, string>> {
    const { rows } = await sql<{ id: string; staff_id: string }>`
      select id, staff_id from users
      where account_id = ${accountId} and staff_id = any(${[...new Set(staffIds)]}::text[])`.execute(
      this.em.getKysely(),
    );
    return new Map(rows.map((row) => [row.staff_id, row.id]));
  }
}

async function readRows(csv: string): Promise<FileRow[]> {
  const rows: FileRow[] = [];
  let columns: Columns | undefined;
  try {
    for await (const records of readRecords([Buffer.from(csv)]))
      for (const record of records) {
        if (!columns) columns = columnsIn(record);
        else rows.push(readRow(record, columns));
        if (rows.length > BULK_MAX) return rows;
      }
  } catch (error) {
    throw error instanceof BadFile ? invalid(error.message) : error;
  }
  return rows;
}

/** @throws BadFile */
function columnsIn(heading: readonly string[]): Columns {
  const titles = new Titles(heading);
  const who = titles.find([WHO]);
  if (who === undefined)
    throw new BadFile(
      titles.hasOtherSeparator ? 'The columns have to be separated by commas' : `The file needs a column ${WHO}`,
    );
  return { width: titles.width, who, successor: titles.find([SUCCESSOR]) };
}

function readRow(fields: readonly string[], { width, who, successor }: Columns): FileRow {
  const cells = readCells(fields, width, [who, successor]);
  return typeof cells === 'string'
    ? { fault: { code: 'validation', detail: cells } }
    : { who: cells[0], successor: cells[1] };
}

const invalid = (message: string) => new Problem('validation', { errors: [{ field: 'file', message }] });
