import { Problem, type Call, type Principal } from '#libs/contracts';
import { Clock, Ids, migration, type Migrations } from '#libs/database';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable, Optional } from '@nestjs/common';
import { sql } from 'kysely';
import { createHash } from 'node:crypto';
import { Encryption } from '../encryption/encryption.js';

/** Tables that the platform needs in every service's database. */
export const platformMigrations: Migrations = [
  migration(
    '0003-idempotency-key',
    `create table idempotency_key (
      account_id uuid not null,
      operation text not null,
      key_digest text not null,
      digest text not null,
      answer text,
      created_at timestamptz not null,
      primary key (account_id, operation, key_digest)
    )`,
    `create index idempotency_key_age on idempotency_key (created_at)`,
  ),
];

const LIFETIME_MS = 24 * 3_600_000;

export interface KeyedCall {
  operation: string;
  call: { principal: Pick<Principal, 'accountId' | 'userId'> } & Required<Pick<Call, 'idempotency'>>;
}

/**
 * Stores the answers to calls with an idempotency key for a day. Answers may contain names and secrets, so they are
 * encrypted under the client's key, of which only a digest is stored: reading the table reveals nothing.
 */
@Injectable()
export class IdempotencyKeys {
  constructor(
    private readonly clock: Clock,
    private readonly ids: Ids,
    @Optional() private readonly em?: EntityManager,
  ) {}

  /**
   * Does the work, unless a call with this key has already done it: then returns the stored answer. Runs in the
   * caller's transaction, so key, effect and answer are committed together; a second call waits for the first to end.
   * @throws Problem `idempotency-mismatch` when the key was used with another request or by another user
   */
  async once(em: EntityManager, keyed: KeyedCall, work: () => Promise<unknown>): Promise<unknown> {
    const claim = this.claimOf(keyed);
    if (!(await this.claim(em, claim))) {
      const known = await this.storedAnswer(em, claim);
      if (!known) throw new Problem('idempotency-mismatch');
      return known.answer;
    }
    const answer = await work();
    await sql`update idempotency_key set answer = ${claim.encryption.encrypt(JSON.stringify(answer ?? null), claim.digest)}
      where (account_id, operation, key_digest) = (${claim.account}, ${claim.operation}, ${claim.key})`.execute(
      em.getKysely(),
    );
    return answer;
  }

  /**
   * Returns the stored answer of a call with this key, for a check before the transaction; undefined if there is none.
   * @throws Problem `idempotency-mismatch` as `once` does
   */
  find(em: EntityManager, keyed: KeyedCall): Promise<{ answer: unknown } | undefined> {
    return this.storedAnswer(em, this.claimOf(keyed), this.horizon());
  }

  /** Deletes keys older than a day. @returns how many were deleted */
  async sweep(): Promise<number> {
    if (!this.em) return 0;
    const swept = await sql`delete from idempotency_key where created_at < ${this.horizon()}`.execute(
      this.em.fork().getKysely(),
    );
    return Number(swept.numAffectedRows ?? 0);
  }

  private claimOf({ operation, call: { principal, idempotency } }: KeyedCall): Claim {
    return {
      account: principal.accountId,
      operation,
      key: sha256(idempotency.key),
      digest: sha256(`${principal.userId} ${idempotency.digest}`),
      encryption: new Encryption(idempotency.key, 'idempotent answer', this.ids),
    };
  }

  private async claim(em: EntityManager, { account, operation, key, digest }: Claim): Promise<boolean> {
    const { rows } = await sql`
      insert into idempotency_key as known (account_id, operation, key_digest, digest, created_at)
      values (${account}, ${operation}, ${key}, ${digest}, ${this.clock.now()})
      on conflict (account_id, operation, key_digest) do update
        set digest = excluded.digest, answer = null, created_at = excluded.created_at
        where known.created_at < ${this.horizon()}
      returning 1`.execute(em.getKysely());
    return rows.length > 0;
  }

  private async storedAnswer(
    em: EntityManager,
    { account, operation, key, digest, encryption }: Claim,
    since: Date | null = null,
  ): Promise<{ answer: unknown } | undefined> {
    const { rows } = await sql<{ digest: string; answer: string }>`
      select digest, answer from idempotency_key
      where account_id = ${account} and operation = ${operation} and key_digest = ${key}
        and (${since}::timestamptz is null or created_at >= ${since})`.execute(em.getKysely());
    const [known] = rows;
    if (!known) return undefined;
    if (known.digest !== digest) throw new Problem('idempotency-mismatch');
    return { answer: (JSON.parse(encryption.decrypt(known.answer, digest)) as unknown) ?? undefined };
  }

  private horizon(): Date {
    return new Date(this.clock.millis() - LIFETIME_MS);
  }
}

/** A key and its request, as stored in the table. */
interface Claim {
  account: string;
  operation: string;
  key: string;
  digest: string;
  encryption: Encryption;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('base64url');
