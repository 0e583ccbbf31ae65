import { EntityManager } from '@mikro-orm/postgresql';
import { Controller } from '@nestjs/common';
import { Answers } from '#libs/broker';
import { directoryLookup, directorySnapshot, type AddressDigest, type DirectoryPage } from '#libs/contracts';
import { sql } from 'kysely';
import { profileOf } from './user-events.js';
import { UserRows, type UserRow } from './user-rows.js';

const MAX_PAGE_SIZE = 5_000;

/** Answers other services that need users for their directories. */
@Controller()
export class DirectoryController {
  constructor(
    private readonly em: EntityManager,
    private readonly users: UserRows,
  ) {}

  @Answers(directorySnapshot)
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
    const addresses = await this.addressesOf(rows.filter(({ status }) => status === 'deleted'));
    return {
      people: rows.map((row) => {
        const address = addresses.get(row.id);
        return { ...toPerson(row), ...(address && { address }) };
      }),
    };
  }

  /** By user. The completion of a deletion erases them. */
  private async addressesOf(deleted: readonly UserRow[]): Promise<Map<string, AddressDigest>> {
    if (deleted.length === 0) return new Map();
    const { rows } = await sql<AddressDigest & { userId: string }>`
      select user_id as "userId", id as "departureId", address_digest as digest from departure
      where user_id = any(${deleted.map(({ id }) => id)}::uuid[]) and transition = 'deleted' and address_digest is not null
      order by id`.execute(this.em.getKysely());
    return new Map(rows.map(({ userId, ...address }) => [userId, address]));
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
