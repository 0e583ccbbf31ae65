import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { DirectoryPage, IdentifierDigests } from '#libs/contracts';
import { sql } from 'kysely';

/** Maximum number of digests in an answer, 67 bytes each: the broker takes messages of up to 1 MB. */
const MAX_DIGESTS = 5_000;

type Found = Pick<DirectoryPage['people'][number], 'address' | 'identifiers' | 'identifiersLeftOut'>;

interface Row {
  user_id: string;
  salt: string;
  /** Null for a former person. */
  address: string | null;
  digests: string | null;
}

/** Digests of what deleted users are and were called. The completion of a deletion erases them. */
@Injectable()
export class DeletedIdentifiers {
  constructor(private readonly em: EntityManager) {}

  /** By user. The first user always has all of them; those for whom there is no room are marked. */
  async of(userIds: readonly string[]): Promise<Map<string, Found>> {
    if (userIds.length === 0) return new Map();
    const byUser = Map.groupBy(await this.rowsOf(userIds), (row) => row.user_id);
    let room = MAX_DIGESTS;
    const answer = ([userId, rows]: [string, Row[]], index: number): [string, Found] => {
      const identifiers = rows.flatMap(identifiersIn);
      const count = identifiers.reduce((sum, { digests }) => sum + digests.length, 0);
      if (index > 0 && count > room) return [userId, { ...addressIn(rows), identifiersLeftOut: true }];
      room -= count;
      return [userId, { ...addressIn(rows), ...(identifiers.length > 0 && { identifiers }) }];
    };
    return new Map([...byUser].map(answer));
  }

  private async rowsOf(userIds: readonly string[]): Promise<Row[]> {
    const ids = [...userIds];
    const { rows } = await sql<Row>`
      select user_id, id as salt, address_digest as address, identifier_digests as digests from departure
      where user_id = any(${ids}::uuid[]) and transition = 'deleted'
        and num_nonnulls(address_digest, identifier_digests) > 0
      union all
      select user_id, id, null, digests from former_person where user_id = any(${ids}::uuid[])
      order by user_id, salt`.execute(this.em.getKysely());
    return rows;
  }
}

const addressIn = (rows: readonly Row[]): Pick<Found, 'address'> => {
  const own = rows.findLast(({ address }) => address !== null);
  return own ? { address: { departureId: own.salt, digest: own.address! } } : {};
};

const identifiersIn = ({ salt, digests }: Row): IdentifierDigests[] =>
  digests === null ? [] : [{ salt, digests: JSON.parse(digests) as string[] }];
