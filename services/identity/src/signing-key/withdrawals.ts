import { Injectable } from '@nestjs/common';
import { Problem, type KeyPurpose, type WithdrawnKey } from '#libs/contracts';
import { Clock } from '#libs/database';
import type { Db } from '#libs/lifecycle';
import { Log } from '#libs/observability';
import { sql } from 'kysely';
import { isoOf } from '../common/moments.js';
import { EvidenceKeys } from './evidence-keys.js';
import { KeyRows } from './key-rows.js';
import { TokenKeys } from './token-keys.js';

interface KeyRow {
  purpose: KeyPurpose | null;
  signs_tokens: boolean;
  /** Whether no newer key of its purpose that is due replaces it. */
  signs_evidence: boolean;
}

/** Withdraws stolen keys. */
@Injectable()
export class Withdrawals {
  constructor(
    private readonly rows: KeyRows,
    private readonly tokens: TokenKeys,
    private readonly evidence: EvidenceKeys,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /**
   * Tokens of the key are refused, whenever they were signed: a thief can date them back. Certificates and heads count up
   * to `since`. A repetition can only move that time back.
   * @throws Problem `not-found`; `validation` if `since` is no time in the past
   */
  async withdraw(kid: string, since: string): Promise<WithdrawnKey> {
    const from = this.wholeSecondsOf(since);
    const withdrawn = await this.rows.exclusively((db) => this.withdrawIn(db, kid, from));
    await this.tokens.refresh();
    await this.evidence.refresh();
    const { purpose, revokedAt, replacedBy } = withdrawn;
    this.log.warn({ kid, purpose, revokedAt, replacedBy }, 'a signing key was withdrawn as stolen');
    return withdrawn;
  }

  private async withdrawIn(db: Db, kid: string, from: Date): Promise<WithdrawnKey> {
    const { rows } = await sql<KeyRow>`
      select purpose, retired_at is null as signs_tokens, revoked_from is null and used_from <= ${this.clock.now()} and not exists (
          select from signing_key n
          where n.purpose = k.purpose and n.used_from <= ${this.clock.now()} and n.revoked_from is null
            and (n.used_from, n.created_at, n.kid) > (k.used_from, k.created_at, k.kid)
        ) as signs_evidence
      from signing_key k where kid = ${kid}`.execute(db);
    const [row] = rows;
    if (!row) throw new Problem('not-found', { detail: 'There is no signing key with this id.' });
    const { purpose } = row;
    let replacedBy: string | undefined;
    if (row.signs_tokens) replacedBy = await this.tokens.replaceIn(db);
    if (row.signs_evidence && purpose && purpose !== 'tokens') replacedBy = await this.evidence.replaceIn(db, purpose);
    const { rows: revoked } = await sql<{ revoked_from: string }>`
      update signing_key set retired_at = '-infinity', next_from = null, revoked_from = least(revoked_from, ${from})
      where kid = ${kid} returning revoked_from`.execute(db);
    return {
      kid,
      ...(purpose && { purpose }),
      revokedAt: isoOf(revoked[0]!.revoked_from),
      ...(replacedBy && { replacedBy }),
    };
  }

  /** The published key names the time in seconds. */
  private wholeSecondsOf(since: string): Date {
    const millis = Date.parse(since);
    if (millis <= this.clock.millis()) return new Date(Math.floor(millis / 1_000) * 1_000);
    throw new Problem('validation', { errors: [{ field: 'since', message: 'since must be a time in the past' }] });
  }
}
