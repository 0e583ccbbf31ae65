import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { isUuid } from '#libs/contracts';
import { sql } from 'kysely';
import { Anchors } from '../../../audit/heads/anchors.js';
import { isoOf } from '../../../common/moments.js';
import { RotatingMac } from '../../../common/rotating-mac.js';
import { IdentityConfig } from '../../../identity.config.js';

/** A deletion, as the ledger keeps it: ids and versions, nothing personal. */
export interface ErasureRecord {
  userId: string;
  accountId: string;
  seq: number;
  lifecycleVersion: number;
  deletedAt: string;
}

export interface KnownErasure extends ErasureRecord {
  /** Whether the record was made with `LEAVER_SECRET` or `LEAVER_SECRET_PREVIOUS`. */
  authentic: boolean;
}

/** Deletions of users, kept outside of the database so that a restored backup cannot undo them. */
@Injectable()
export class ErasureLedger {
  private readonly mac: RotatingMac;

  constructor(
    private readonly em: EntityManager,
    private readonly anchors: Anchors,
    config: IdentityConfig,
  ) {
    this.mac = new RotatingMac(config, 'erasure ledger');
  }

  /**
   * Writes the deletions that the ledger does not have, `limit` of them at most.
   * @returns their number
   * @throws UnconfirmedRecords
   */
  async recordMissing(limit: number): Promise<number> {
    const { rows } = await sql<{ id: string; account_id: string; seq: number; version: number; deleted_at: string }>`
      select id, account_id, seq::float8, lifecycle_version::float8 as version, deleted_at from users
      where status = 'deleted' and not erasure_recorded order by id limit ${limit}`.execute(this.em.fork().getKysely());
    if (rows.length === 0) return 0;
    const records = rows.map((row): ErasureRecord => ({
      userId: row.id,
      accountId: row.account_id,
      seq: row.seq,
      lifecycleVersion: row.version,
      deletedAt: isoOf(row.deleted_at),
    }));
    await this.anchors.append(
      records.map((record) => ({
        subject: `audit.erased.${record.accountId}.${record.userId}`,
        id: `${record.userId}.${record.lifecycleVersion}`,
        data: { ...record, mac: this.mac.sign(signedPart(record)).toString('hex') },
      })),
    );
    await sql`
      update users set erasure_recorded = true where id = any(${rows.map((row) => row.id)}::uuid[])`.execute(
      this.em.fork().getKysely(),
    );
    return rows.length;
  }

  /**
   * Has the deletions recorded again that have no authentic record: the broker may have lost them, or the secret has been
   * changed more than once since.
   */
  async recordAgain(known: readonly KnownErasure[]): Promise<void> {
    const ids = known.filter((one) => one.authentic).map((one) => one.userId);
    await sql`
      update users set erasure_recorded = false
      where status = 'deleted' and erasure_recorded and id <> all(${ids}::uuid[])`.execute(this.em.fork().getKysely());
  }

  /** All deletions, the newest record of each user. @throws Error when the ledger cannot be read */
  async all(): Promise<KnownErasure[]> {
    const known = new Map<string, KnownErasure>();
    for await (const data of this.anchors.read('audit.erased.>')) {
      if (!isRecord(data)) continue;
      const record = { ...data, authentic: this.isAuthentic(data) };
      const before = known.get(record.userId);
      if (!before || rank(before) < rank(record)) known.set(record.userId, record);
    }
    return [...known.values()];
  }

  private isAuthentic(record: ErasureRecord & { mac: string }): boolean {
    const given = Buffer.from(record.mac, 'hex');
    // An odd digit at the end is no part of the bytes.
    return given.length * 2 === record.mac.length && this.mac.accepts(signedPart(record), given);
  }
}

/** An authentic record counts more than any other. */
const rank = ({ authentic, lifecycleVersion }: KnownErasure): number =>
  authentic ? lifecycleVersion : lifecycleVersion - Number.MAX_SAFE_INTEGER;

const signedPart = ({ userId, accountId, seq, lifecycleVersion, deletedAt }: ErasureRecord): string =>
  JSON.stringify([userId, accountId, seq, lifecycleVersion, deletedAt]);

function isRecord(data: unknown): data is ErasureRecord & { mac: string } {
  if (typeof data !== 'object' || data === null) return false;
  const { userId, accountId, seq, lifecycleVersion, deletedAt, mac } = data as Record<string, unknown>;
  const ids = isUuid(userId) && isUuid(accountId);
  const numbers = [seq, lifecycleVersion].every((number) => Number.isSafeInteger(number));
  return ids && numbers && typeof deletedAt === 'string' && typeof mac === 'string' && /^[0-9a-f]+$/.test(mac);
}
