import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { BULK_MAX, Problem, type NamedSuccessors } from '#libs/contracts';
import { parse } from 'csv-parse/sync';
import { sql } from 'kysely';

/** A row of a bulk departure. `userId` is null if the account has no user with the staff id. */
export interface NamedRow {
  userId: string | null;
  successors?: NamedSuccessors;
}

/** No user has this id, so a successor with it is refused. */
const NOBODY = '00000000-0000-0000-0000-000000000000';
const LEAVER = 'staffid';
const SUCCESSOR = 'successorstaffid';

/** Reads lists of staff ids. */
@Injectable()
export class BulkFiles {
  constructor(private readonly em: EntityManager) {}

  /** @throws Problem `validation` for text that is not CSV or lacks the column `staffId` */
  async read(accountId: string, csv: string): Promise<NamedRow[]> {
    const records = recordsOf(csv);
    const users = await this.usersBy(
      accountId,
      records.flatMap((record) => [record[LEAVER]!, record[SUCCESSOR] ?? '']),
    );
    return records.map((record) => {
      const userId = users.get(record[LEAVER]!) ?? null;
      const successor = record[SUCCESSOR];
      return successor ? { userId, successors: { default: users.get(successor) ?? NOBODY } } : { userId };
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

function recordsOf(csv: string): Record<string, string>[] {
  const records = parsed(csv);
  const first = records[0];
  if (first && !(LEAVER in first)) throw invalid('The file needs a column staffId');
  return records;
}

/** Ignores case, spaces, `_` and `-` in the headings. */
function parsed(csv: string): Record<string, string>[] {
  try {
    return parse(csv, {
      bom: true,
      columns: (heading: string[]) => heading.map((name) => name.toLowerCase().replace(/[\s_-]/g, '')),
      skip_empty_lines: true,
      trim: true,
      to: BULK_MAX + 1,
    });
  } catch {
    throw invalid('The file is not valid CSV');
  }
}

const invalid = (message: string) => new Problem('validation', { errors: [{ field: 'file', message }] });
