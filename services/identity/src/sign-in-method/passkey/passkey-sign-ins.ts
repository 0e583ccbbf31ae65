import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { generateAuthenticationOptions, verifyAuthenticationResponse } from '@simplewebauthn/server';
import type { PasskeyOptions, UserStatus } from '#libs/contracts';
import { Clock } from '#libs/database';
import { sql } from 'kysely';
import { Audit } from '../../audit/audit.js';
import { mustUseSso } from '../../sso/must-use-sso.js';
import { readAssertion, readClientData } from './passkey-answers.js';
import { CHALLENGE_LIFETIME_MS, PasskeyChallenges } from './passkey-challenges.js';
import { RelyingParty } from './relying-party.js';

interface StoredPasskey {
  id: string;
  public_key: Buffer;
  counter: number;
}

/** Whose passkey it is. */
export interface PasskeyOwner {
  userId: string;
  accountId: string;
  status: UserStatus;
  suspended: boolean;
  mustUseSso: boolean;
}

type Assertion = NonNullable<ReturnType<typeof readAssertion>>;

/** Checks what authenticators have signed. */
@Injectable()
export class PasskeySignIns {
  constructor(
    private readonly em: EntityManager,
    private readonly party: RelyingParty,
    private readonly challenges: PasskeyChallenges,
    private readonly audit: Audit,
    private readonly clock: Clock,
  ) {}

  /** The same for everybody: the authenticator knows whose passkeys it has. */
  async options(): Promise<PasskeyOptions> {
    const publicKey = await generateAuthenticationOptions({
      rpID: this.party.id,
      challenge: this.challenges.issue('sign-in'),
      timeout: CHALLENGE_LIFETIME_MS,
      userVerification: 'required',
    });
    return { publicKey: { ...publicKey } };
  }

  /** Returns undefined for an unknown passkey. */
  async ownerOf({ id }: Record<string, unknown>): Promise<PasskeyOwner | undefined> {
    if (typeof id !== 'string') return undefined;
    const { rows } = await sql<PasskeyOwner>`
      select u.id as "userId", u.account_id as "accountId", u.status, u.suspended_at is not null as suspended,
        ${mustUseSso} as "mustUseSso"
      from passkey p join users u on u.id = p.user_id where p.credential_id = ${id}`.execute(this.db);
    return rows[0];
  }

  /**
   * In the caller's transaction, which has locked the user.
   * @returns false unless a passkey of this user has signed one of our challenges, for the first time, on our own pages
   */
  async accept(
    { userId, accountId }: PasskeyOwner | { userId: string; accountId: string },
    credential: Record<string, unknown>,
  ): Promise<boolean> {
    const assertion = readAssertion(credential);
    const data = assertion && readClientData(assertion.response.clientDataJSON);
    if (!assertion || !data || !this.party.accepts(data.origin)) return false;
    const passkey = await this.lock(userId, assertion.id);
    if (!passkey || !isOf(userId, assertion)) return false;
    const used = await this.verify(assertion, data, passkey);
    if (!used || !(await this.challenges.use(data.challenge, 'sign-in'))) return false;
    if (isCopy(passkey.counter, used.newCounter)) {
      const detail = { passkeyId: passkey.id };
      await this.audit.append([{ accountId, action: 'passkey.copied', system: 'sign-in', subjectId: userId, detail }]);
      return false;
    }
    await sql`
      update passkey set counter = ${used.newCounter}, backed_up = ${used.credentialBackedUp}, last_used_at = ${this.clock.now()}
      where id = ${passkey.id}`.execute(this.db);
    return true;
  }

  /** The counter is compared by `isCopy`, so that the trail tells a copy from a wrong signature. */
  private async verify(
    assertion: Assertion,
    { challenge, origin }: { challenge: string; origin: string },
    { public_key }: StoredPasskey,
  ) {
    try {
      const { verified, authenticationInfo } = await verifyAuthenticationResponse({
        response: assertion,
        expectedChallenge: challenge,
        expectedOrigin: origin,
        expectedRPID: this.party.id,
        requireUserVerification: true,
        credential: { id: assertion.id, publicKey: new Uint8Array(public_key), counter: -1 },
      });
      return verified ? authenticationInfo : undefined;
    } catch {
      // The library throws for everything that is wrong with an answer, and calls nobody.
      return undefined;
    }
  }

  private async lock(userId: string, credentialId: string): Promise<StoredPasskey | undefined> {
    const { rows } = await sql<StoredPasskey>`
      select id, public_key, counter::float8 as counter from passkey
      where credential_id = ${credentialId} and user_id = ${userId} for update`.execute(this.db);
    return rows[0];
  }

  private get db() {
    return this.em.getKysely();
  }
}

/** The authenticator names the user for whom it keeps the passkey. */
const isOf = (userId: string, { response: { userHandle } }: Assertion): boolean =>
  userHandle === undefined || userHandle === Buffer.from(userId).toString('base64url');

/** An authenticator that counts never repeats a number. Passkeys on several devices do not count. */
const isCopy = (before: number, now: number): boolean => (before > 0 || now > 0) && now <= before;
