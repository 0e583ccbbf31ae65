import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import { generateRegistrationOptions, verifyRegistrationResponse } from '@simplewebauthn/server';
import {
  PASSKEYS_MAX,
  Problem,
  type ListQuery,
  type NewPasskey,
  type Page,
  type Passkey,
  type PasskeyOptions,
} from '#libs/contracts';
import { Clock, Ids, pageWindow, toPage } from '#libs/database';
import { sql } from 'kysely';
import { isoOf } from '../../common/moments.js';
import { requireNonBlank } from '../../common/require-non-blank.js';
import { readClientData, readRegistration, transportsOf } from './passkey-answers.js';
import { CHALLENGE_LIFETIME_MS, PasskeyChallenges } from './passkey-challenges.js';
import { RelyingParty } from './relying-party.js';

interface PasskeyRow {
  id: string;
  name: string;
  backed_up: boolean;
  created_at: string;
  last_used_at: string | null;
}

const toPasskey = (row: PasskeyRow): Passkey => ({
  id: row.id,
  name: row.name,
  createdAt: isoOf(row.created_at),
  lastUsedAt: row.last_used_at === null ? null : isoOf(row.last_used_at),
  backedUp: row.backed_up,
});

/** The passkeys of users. */
@Injectable()
export class Passkeys {
  constructor(
    private readonly em: EntityManager,
    private readonly party: RelyingParty,
    private readonly challenges: PasskeyChallenges,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  async page(userId: string, query: ListQuery): Promise<Page<Passkey>> {
    const { limit, before } = pageWindow(query);
    const { rows } = await sql<PasskeyRow>`
      select id, name, backed_up, created_at, last_used_at from passkey
      where user_id = ${userId} and (${before}::uuid is null or id < ${before}::uuid)
      order by id desc limit ${limit + 1}`.execute(this.db);
    return toPage(rows.map(toPasskey), query);
  }

  /** @throws Problem `conflict` if the user has enough */
  async options({
    id,
    name,
    email,
  }: {
    id: string;
    name: string | null;
    email: string | null;
  }): Promise<PasskeyOptions> {
    const { rows } = await sql<{ credential_id: string; transports: string[] }>`
      select credential_id, transports from passkey where user_id = ${id}`.execute(this.db);
    if (rows.length >= PASSKEYS_MAX) throw tooMany();
    const publicKey = await generateRegistrationOptions({
      rpName: this.party.name,
      rpID: this.party.id,
      userID: new Uint8Array(Buffer.from(id)),
      userName: email ?? name ?? id,
      userDisplayName: name ?? '',
      challenge: this.challenges.issue({ newPasskeyOf: id }),
      timeout: CHALLENGE_LIFETIME_MS,
      attestationType: 'none',
      excludeCredentials: rows.map((row) => ({ id: row.credential_id, transports: row.transports })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    return { publicKey: { ...publicKey } };
  }

  /**
   * In the caller's transaction, which has locked the user.
   * @throws Problem `validation` unless it answers options that this user got; `conflict` if it is registered already, or the user
   *   has enough
   */
  async add(userId: string, { name, credential }: NewPasskey): Promise<Passkey> {
    const made = await this.verify(userId, credential);
    if (!made) {
      const errors = [
        { field: 'credential', message: 'credential must answer new options, on a page of this address' },
      ];
      throw new Problem('validation', { errors });
    }
    await this.requireRoom(userId);
    const { rows } = await sql<PasskeyRow>`
      insert into passkey (id, user_id, credential_id, public_key, counter, transports, backed_up, name, created_at)
      values (${this.ids.next()}, ${userId}, ${made.credential.id}, ${Buffer.from(made.credential.publicKey)},
        ${made.credential.counter}, ${transportsOf(credential)}::text[], ${made.credentialBackedUp},
        ${requireNonBlank('name', name)}, ${this.clock.now()})
      on conflict (credential_id) do nothing
      returning id, name, backed_up, created_at, last_used_at`.execute(this.db);
    if (!rows[0]) throw new Problem('conflict', { detail: 'This passkey is registered already.' });
    return toPasskey(rows[0]);
  }

  /** In the caller's transaction, which has locked the user. @throws Problem `not-found` */
  async remove(userId: string, id: string): Promise<void> {
    const { rows } = await sql`
      delete from passkey where id = ${id} and user_id = ${userId} returning id`.execute(this.db);
    if (rows.length === 0) throw new Problem('not-found', { detail: 'There is no such passkey.' });
  }

  async removeAll(userId: string): Promise<number> {
    const { rows } = await sql`delete from passkey where user_id = ${userId} returning id`.execute(this.db);
    return rows.length;
  }

  private async verify(userId: string, credential: Record<string, unknown>) {
    const answer = readRegistration(credential);
    const data = answer && readClientData(answer.response.clientDataJSON);
    if (!data || !this.party.accepts(data.origin)) return undefined;
    const made = await verifyRegistrationResponse({
      response: answer,
      expectedChallenge: data.challenge,
      expectedOrigin: data.origin,
      expectedRPID: this.party.id,
      requireUserVerification: true,
      // The library throws for everything that is wrong with an answer, and without an attestation it calls nobody.
    }).catch(() => undefined);
    if (!made?.verified || !(await this.challenges.use(data.challenge, { newPasskeyOf: userId }))) return undefined;
    return made.registrationInfo;
  }

  private async requireRoom(userId: string): Promise<void> {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from passkey where user_id = ${userId}`.execute(this.db);
    if (rows[0]!.count >= PASSKEYS_MAX) throw tooMany();
  }

  private get db() {
    return this.em.getKysely();
  }
}

const tooMany = () => new Problem('conflict', { detail: `You have ${PASSKEYS_MAX} passkeys. Remove one first.` });
