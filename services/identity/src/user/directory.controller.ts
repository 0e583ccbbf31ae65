import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { directoryLookup, directorySnapshot, type DirectoryPage } from '#libs/contracts';
import { sql } from 'kysely';
import { DeletedIdentifiers } from './deleted-identifiers.js';
import { profileOf } from './user-events.js';
import { UserRows, type UserRow } from './user-rows.js';

const MAX_PAGE_SIZE = 5_000;

/** Answers other services that need users for their directories. */
@Controller()
export class DirectoryController {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
    private readonly identifiers: DeletedIdentifiers,
  ) {}

  @Answers(directorySnapshot, { acrossAccounts: 'A new service asks for the users of all accounts.' })
  async snapshot({ after, limit }: { after: string | null; limit: number }): Promise<DirectoryPage> {
    const size = Math.min(Math.max(1, limit), MAX_PAGE_SIZE);
    const { rows } = await sql<{ id: string }>`
      select id from users where ${after}::uuid is null or id > ${after}::uuid order by id limit ${size}`.execute(
      this.em.getKysely(),
    );
    const people = (await this.users.byIds(rows.map((row) => row.id))).map(toPerson);
    return { people, next: rows.length === size ? rows.at(-1)!.id : null };
  }

  @Answers(directoryLookup)
  async lookup({
    accountId,
    userIds,
    staffIds = [],
  }: {
    accountId: string;
    userIds: string[];
    staffIds?: string[];
  }): Promise<Pick<DirectoryPage, 'people'>> {
    const { rows: staff } = await sql<{ id: string }>`
      select id from users where account_id = ${accountId} and staff_id = any(${staffIds}::text[])`.execute(
      this.em.getKysely(),
    );
    const found = await this.users.byIds([...userIds, ...staff.map(({ id }) => id)]);
    const rows = found.filter((row) => row.account_id === accountId);
    const deleted = rows.filter(({ status }) => status === 'deleted').map(({ id }) => id);
    const identifiers = await this.identifiers.of(deleted);
    return {
      people: rows.map((row) => ({ ...toPerson(row), ...identifiers.get(row.id) })),
    };
  }
}

const toPerson = (row: UserRow): DirectoryPage['people'][number] => ({
  accountId: row.account_id,
  userId: row.id,
  seq: row.seq,
  lifecycleVersion: row.lifecycle_version,
  activeSince: row.active_since,
  profile: profileOf(row),
});
