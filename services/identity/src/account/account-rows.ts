import type { EntityManager } from '@mikro-orm/postgresql';
import { Problem, type Account, type Preset } from '#libs/contracts';
import { sql } from 'kysely';
import { isoOf } from '../common/moments.js';
import { seatsOf } from '../common/seats.js';

interface AccountRow {
  id: string;
  name: string;
  preset: Preset;
  seats: number;
  retention_days: number;
  redaction_label: 'plain' | 'with-id';
  created_at: string;
}

/** @throws Problem `not-found` */
export async function accountRow(em: EntityManager, accountId: string): Promise<AccountRow> {
  const { rows } = await sql<AccountRow>`select * from account where id = ${accountId}`.execute(em.getKysely());
  if (!rows[0]) throw new Problem('not-found');
  return rows[0];
}

/** The account as the API shows it. */
export async function accountOf(em: EntityManager, accountId: string): Promise<Account> {
  const row = await accountRow(em, accountId);
  return {
    id: row.id,
    name: row.name,
    preset: row.preset,
    seats: await seatsOf(em, accountId),
    retentionDays: row.retention_days,
    redactionLabel: row.redaction_label,
    createdAt: isoOf(row.created_at),
  };
}
