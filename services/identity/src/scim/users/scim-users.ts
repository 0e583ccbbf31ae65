import { isDeepStrictEqual } from 'node:util';
import { EntityManager } from '@mikro-orm/postgresql';
import { Injectable } from '@nestjs/common';
import type { PrepareAgain } from '#libs/broker';
import type { Principal, ScimProjection, ScimResponse, ScimWrite } from '#libs/contracts';
import { parsePatch, requirePreconditions, scimProblem, uniquenessProblem, type Preconditions } from '#libs/scim';
import { lockAccount } from '../../common/account-lock.js';
import { OWNS_NOTHING, type Prepared } from '../../departures/plan/preflight.js';
import { UserRows } from '../../user/user-rows.js';
import { UserCreation } from '../../user-management/user-creation.js';
import { refusalOf, type Provider } from '../provider.js';
import { ProviderRefusals } from '../provider-refusals.js';
import { resourceResponse } from '../responses.js';
import { ScimActivation } from './scim-activation.js';
import { newProfile, profileAfter, type ScimProfile } from './scim-profile.js';
import { ScimProfiles } from './scim-profiles.js';
import { ScimUserRows, type ScimUserRow } from './scim-user-rows.js';
import { profileOf, toScimUser } from './scim-user-view.js';
import { readUser, type UserAttributes } from './user-attributes.js';
import { readUserPatch } from './user-patch.js';

const MIN_PASSWORD_LENGTH = 8;

interface Change {
  /** @throws Problem `validation` with a `scimType` */
  read: (before: ScimProfile) => UserAttributes;
  /** Whether the request describes the whole user. */
  whole: boolean;
}

/** Handles requests of identity providers about users. Each runs in one transaction. */
@Injectable()
export class ScimUsers {
  constructor(
    private readonly em: EntityManager,
    private readonly rows: ScimUserRows,
    private readonly users: UserRows,
    private readonly creation: UserCreation,
    private readonly profiles: ScimProfiles,
    private readonly activation: ScimActivation,
    private readonly refusals: ProviderRefusals,
  ) {}

  async get({ accountId }: Principal, id: string, projection: ScimProjection): Promise<ScimResponse> {
    return resourceResponse(toScimUser(await this.rows.get(accountId, id)), projection);
  }

  /**
   * Hashes the password, if there is a valid one, outside of the transaction.
   * @throws Problem `validation`; `service-unavailable` if too many passwords are being hashed
   */
  prepareCreation(body: ScimWrite['body']): Promise<string | undefined> {
    const { password } = readUser(body);
    return this.creation.prepare(isLongEnough(password) ? password : undefined);
  }

  /**
   * Creates a user, or lets in a deactivated or suspended one with the same external id or else the same user name.
   * @throws Problem `validation`, `conflict` or `duplicate-…` for a user who exists and is active, `no-free-seat`
   */
  async create(provider: Provider, { body, view }: ScimWrite, passwordHash: string | undefined): Promise<ScimResponse> {
    const { accountId } = provider;
    const attributes = readUser(body);
    const profile = newProfile(attributes);
    // Serializes requests, so that the second of two requests for the same person finds the user of the first.
    await lockAccount(this.em, accountId);
    const existing = await this.rows.findExisting(accountId, profile.externalId, profile.userName);
    if (existing && (existing.active || attributes.active === false))
      throw uniquenessProblem('There is a user with this userName or externalId.');
    const refusal = refusalOf(provider, existing);
    if (refusal !== undefined) return this.refusals.refuse(provider, refusal, existing?.id);
    if (existing) {
      await this.activation.letIn(provider, existing);
      await this.profiles.change(provider, existing.id, (before) => profileAfter(before, attributes, true));
      return this.get(provider, existing.id, view);
    }
    const { userName, email, displayName: name, staffId, externalId } = profile;
    requireLongPassword(attributes);
    const { id } = await this.creation.invite(provider, { name, email, staffId }, passwordHash);
    await this.profiles.write(id, { userName, email, externalId, name: profile.name });
    const { manager } = profile;
    if (manager !== null) await this.profiles.change(provider, id, (created) => ({ ...created, manager }));
    if (attributes.active === false)
      await this.activation.keepOut(provider, await this.rows.get(accountId, id), OWNS_NOTHING);
    return this.get(provider, id, view);
  }

  /**
   * Asks the other services about a user that the request deactivates. Returns undefined for any other request.
   * @throws Problem `validation`, `not-found`, `service-unavailable`
   */
  async prepareReplacement(provider: Provider, id: string, body: ScimWrite['body']): Promise<Prepared | undefined> {
    const { active } = readUser(body);
    return this.activation.prepareDeactivation(provider, await this.rows.get(provider.accountId, id), active);
  }

  /** @throws Problem as `prepareReplacement` does */
  async prepareChange(provider: Provider, id: string, body: ScimWrite['body']): Promise<Prepared | undefined> {
    const operations = parsePatch(body);
    const row = await this.rows.get(provider.accountId, id);
    return this.activation.prepareDeactivation(provider, row, readUserPatch(operations, profileOf(row)).active);
  }

  /** @throws Problem as `change` does */
  replace(
    provider: Provider,
    id: string,
    request: ScimWrite,
    prepared: Prepared | undefined,
  ): Promise<ScimResponse | PrepareAgain> {
    const attributes = readUser(request.body);
    if (attributes.userName === undefined) throw scimProblem('invalidValue', 'userName is required.');
    return this.apply(provider, id, request, { read: () => attributes, whole: true }, prepared);
  }

  /** @throws Problem `validation`, `not-found`, `precondition-failed`, `conflict`, `no-free-seat` or a guard's */
  change(
    provider: Provider,
    id: string,
    request: ScimWrite,
    prepared: Prepared | undefined,
  ): Promise<ScimResponse | PrepareAgain> {
    const operations = parsePatch(request.body);
    return this.apply(
      provider,
      id,
      request,
      { read: (before) => readUserPatch(operations, before), whole: false },
      prepared,
    );
  }

  /** @throws Problem `not-found`, `precondition-failed` or a guard's */
  async remove(
    provider: Provider,
    id: string,
    request: ScimWrite,
    prepared: Prepared | undefined,
  ): Promise<ScimResponse | PrepareAgain> {
    await this.expect(provider, id, request);
    return (await this.activation.leave(provider, id, 'deleted', prepared)) ?? {};
  }

  private async apply(
    provider: Provider,
    id: string,
    request: ScimWrite,
    { read, whole }: Change,
    prepared: Prepared | undefined,
  ): Promise<ScimResponse | PrepareAgain> {
    const before = await this.expect(provider, id, request);
    const attributes = read(profileOf(before));
    const { active } = attributes;
    const refusal = refusalOf(provider, before);
    if (refusal !== undefined && active !== false) {
      const reactivates = active === true && !before.active;
      const wanted = profileAfter(profileOf(before), attributes, whole);
      if (reactivates || !isDeepStrictEqual(wanted, withoutAccess(provider, profileOf(before), wanted)))
        return this.refusals.refuse(provider, refusal, id);
    }
    if (active === false) {
      const refusal = await this.activation.keepOut(provider, before, prepared);
      if (refusal) return refusal;
    }
    if (active === true && !before.active) await this.activation.letIn(provider, before);
    // Read again, because the profile may have changed before it was locked.
    await this.profiles.change(provider, id, (locked) => {
      const after = profileAfter(locked, read(locked), whole);
      // A request that also deactivates must not fail because of the rest.
      return refusal === undefined ? after : withoutAccess(provider, locked, after);
    });
    return this.get(provider, id, request.view);
  }

  /** Returns the user and checks preconditions. If there are any, the user is locked until the transaction ends. */
  private async expect({ accountId }: Principal, id: string, preconditions: Preconditions): Promise<ScimUserRow> {
    const row = await this.rows.get(accountId, id);
    if (preconditions.ifMatch === undefined && preconditions.ifNoneMatch === undefined) return row;
    await lockAccount(this.em, accountId);
    await this.users.lock([id], 'leave');
    const locked = await this.rows.get(accountId, id);
    requirePreconditions(preconditions, toScimUser(locked).meta.version);
    return locked;
  }
}

/** The profile after a request, without what the provider may not change about this user. */
const withoutAccess = ({ onlyOffboards }: Provider, before: ScimProfile, after: ScimProfile): ScimProfile =>
  onlyOffboards ? before : { ...after, userName: before.userName, email: before.email };

const isLongEnough = (password: string | undefined): boolean =>
  password !== undefined && password.length >= MIN_PASSWORD_LENGTH;

function requireLongPassword({ password }: UserAttributes): void {
  if (password !== undefined && !isLongEnough(password))
    throw scimProblem('invalidValue', `password must have at least ${MIN_PASSWORD_LENGTH} characters.`);
}
