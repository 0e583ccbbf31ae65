import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Clock, Ids } from '#libs/database';
import { sql } from 'kysely';
import { sha256 } from '../common/secrets.js';

const HOW_MANY = 10;
/** Without letters and digits that look alike. */
const ALPHABET = '23456789abcdefghjkmnpqrstuvwxyz0';
const LENGTH = 16;

/** Codes for users who have lost their phone, each for one use. Only their digests are stored. */
@Injectable()
export class RecoveryCodes {
  constructor(
    private readonly em: EntityManager,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** In the caller's transaction, which has locked the user. @returns new codes in place of all former ones */
  async replace(userId: string): Promise<string[]> {
    const codes = Array.from({ length: HOW_MANY }, () => this.newCode());
    await this.removeAll(userId);
    await sql`
      insert into recovery_code (user_id, digest)
      select ${userId}::uuid, unnest(${codes.map((code) => digestOf(userId, code))}::bytea[])`.execute(this.db);
    return codes;
  }

  /** In the caller's transaction. @returns false for a wrong code, and for a used one */
  async accept(userId: string, code: string): Promise<boolean> {
    const { rows } = await sql`
      update recovery_code set used_at = ${this.clock.now()}
      where user_id = ${userId} and digest = ${digestOf(userId, code)} and used_at is null returning user_id`.execute(
      this.db,
    );
    return rows.length > 0;
  }

  async countLeft(userId: string): Promise<number> {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from recovery_code where user_id = ${userId} and used_at is null`.execute(this.db);
    return rows[0]!.count;
  }

  async removeAll(userId: string): Promise<void> {
    await sql`delete from recovery_code where user_id = ${userId}`.execute(this.db);
  }

  private newCode(): string {
    const bytes = Buffer.from(this.ids.secret(LENGTH), 'base64url');
    const text = [...bytes].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
    return text.match(/.{4}/g)!.join('-');
  }

  private get db() {
    return this.em.getKysely();
  }
}

/** People type them with and without hyphens and blanks. */
const digestOf = (userId: string, code: string): Buffer => sha256(`${userId} ${code.replace(/[\s-]/g, '')}`);
