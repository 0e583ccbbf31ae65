import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { Problem, type SecondFactor, type SecondFactorProof } from '#libs/contracts';
import { sql } from 'kysely';
import { SIGN_IN_FAILED } from '../audit/audit.js';
import { Occurrences } from '../audit/occurrences.js';
import { CodeGuesses } from './code-guesses.js';
import { PasskeySignIns } from './passkey/passkey-sign-ins.js';
import { RecoveryCodes } from './recovery-codes.js';
import { Totps } from './totps.js';

export interface Person {
  accountId: string;
  userId: string;
}

/** What a user needs beside the password, or proves again who they are with. */
@Injectable()
export class SecondFactors {
  constructor(
    private readonly em: EntityManager,
    private readonly passkeys: PasskeySignIns,
    private readonly totps: Totps,
    private readonly recoveryCodes: RecoveryCodes,
    private readonly guesses: CodeGuesses,
    private readonly occurrences: Occurrences,
  ) {}

  /** Empty for a user without a second factor: recovery codes alone are none. */
  async methodsOf(userId: string): Promise<SecondFactor[]> {
    const { rows } = await sql<{ passkey: boolean; totp: boolean; code: boolean }>`
      select exists (select from passkey where user_id = ${userId}) as passkey,
        exists (select from totp where user_id = ${userId} and confirmed_at is not null) as totp,
        exists (select from recovery_code where user_id = ${userId} and used_at is null) as code`.execute(
      this.em.getKysely(),
    );
    const { passkey, totp, code } = rows[0]!;
    if (!passkey && !totp) return [];
    return [
      ...(passkey ? ['passkey' as const] : []),
      ...(totp ? ['totp' as const] : []),
      ...(code ? ['recovery-code' as const] : []),
    ];
  }

  async exist(userId: string): Promise<boolean> {
    return (await this.methodsOf(userId)).length > 0;
  }

  /**
   * Checks what the user has given, and in the same transaction does what it is for. Call it without a transaction, so that a
   * wrong guess counts.
   * @throws Problem `invalid-credentials`, `too-many-requests`
   */
  async check<T>(person: Person, given: SecondFactorProof, then: () => Promise<T>): Promise<T> {
    const { accountId, userId } = person;
    const guessable = given.passkey === undefined;
    if (guessable) await this.em.transactional(() => this.guesses.take(userId));
    const done = await this.em.transactional(async () => {
      // The same order of locks as whatever ends sessions and removes sign-in methods: first the user.
      await sql`select from users where id = ${userId} for key share`.execute(this.em.getKysely());
      if (!(await this.accept(person, given))) return undefined;
      if (guessable) await this.guesses.forget(userId);
      return { result: await then() };
    });
    if (done) return done.result;
    this.occurrences.record({ accountId, action: SIGN_IN_FAILED, system: 'sign-in', subjectId: userId, counted: true });
    throw new Problem('invalid-credentials', { detail: 'This is not valid, or has been used already.' });
  }

  private async accept(person: Person, { passkey, totp, recoveryCode }: SecondFactorProof): Promise<boolean> {
    if (passkey) return this.passkeys.accept(person, passkey);
    if (totp !== undefined) return this.totps.accept(person.userId, totp);
    return recoveryCode !== undefined && (await this.recoveryCodes.accept(person.userId, recoveryCode));
  }
}

/** Whether it contains any. */
export const isGiven = ({ passkey, totp, recoveryCode }: SecondFactorProof): boolean =>
  passkey !== undefined || totp !== undefined || recoveryCode !== undefined;
